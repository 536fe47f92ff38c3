import Mocha from 'mocha';

/** The spec reporter, ending with one plain line that build logs can count: `N passed, N failed`. */
class SummaryReporter extends Mocha.reporters.Spec {
  override epilogue(): void {
    super.epilogue();
    process.stdout.write(`${this.stats.passes} passed, ${this.stats.failures} failed\n`);
  }
}

module.exports = SummaryReporter;
