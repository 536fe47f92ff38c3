/**
 * Something that the operator of the app should know and that is no fault of this package: code that was handed to us
 * threw, a setting has no effect. Its message is the whole sentence, with the names of the policy and the upstream.
 */
export class OperatorNotice extends Error {
  override readonly name = 'OperatorNotice';
}
