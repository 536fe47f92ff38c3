import { AdmissionError } from '../../errors.ts';
import type { Rejection } from '../shared/contract.ts';

export class AdmissionRejection implements Rejection {
  readonly kind = 'rejection';
  readonly reason = 'admission';
  readonly #upstream: string;
  readonly #probability: number;

  constructor(upstream: string, probability: number) {
    this.#upstream = upstream;
    this.#probability = probability;
  }

  toError(): AdmissionError {
    return new AdmissionError(this.#upstream, this.#probability);
  }
}
