/** The error of a configuration that cannot be used. */

/** The configuration is wrong: the command ends with exit code 2. */
export class ConfigError extends Error {
  override name = 'ConfigError' as const
}
