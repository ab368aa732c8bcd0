/** Whether a text holds what looks like a hub's token, or a URL with a password in it. */
export const holdsSecret = (text: string): boolean => /\bhf_[A-Za-z0-9]{16,}|:\/\/[^/\s:@]*:[^/\s@]+@/.test(text);

/** Whether a setting must not be shown: its key names a secret, or its value holds one. */
export const isSecret = (path: string, value: unknown): boolean =>
  /(^|[._])(token|secret|password|api_?key)$/i.test(path) || holdsSecret(JSON.stringify(value) ?? "");
