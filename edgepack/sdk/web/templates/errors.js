/** Why there is no answer: `code` says what, `field` which input, if it is one. */
export class ModelError extends Error {
  /**
   * @param {import("./contract-types.d.ts").Code} code
   * @param {string | null} field
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(code, field, message, options) {
    super(field === null ? message : `${field}: ${message}`, options);
    this.name = "ModelError";
    this.code = code;
    this.field = field;
  }
}
