import { ApiError } from '../machinery/api-error.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there; start the controller (npm start), or name another server',
  ENOTFOUND: 'there is no such host; check the name',
  EAI_AGAIN: 'the name cannot be looked up now; check the network',
  EHOSTUNREACH: 'there is no way to that host; check the network',
  ENETUNREACH: 'there is no way to that host; check the network',
  ETIMEDOUT: 'it does not answer; check the network',
  ECONNRESET: 'the connection was closed; if it speaks TLS, its URL begins with https',
  EPIPE: 'the connection was closed; try again',
  EPROTO: 'it does not speak TLS; its URL may begin with http',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS; its URL may begin with http',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS; its URL may begin with http',
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host; use the name that it bears',
  ...Object.fromEntries(
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    ].map((code) => [
      code,
      'its certificate is signed by nobody known; name that authority (--certificate-authority)',
    ]),
  ),
};

/** What kept a request from being answered, as a sentence that says what to do next. */
export function unreachable(server: URL, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { code = '', message = String(error) } = error as Partial<NodeJS.ErrnoException>;
  const why = REASONS[code] ?? (code.startsWith('HPE_') ? 'it does not speak HTTP; check the URL' : message);
  const failure = new ApiError('Unavailable', `cannot reach ${nameOf(server)}: ${why}`);
  failure.cause = error;
  return failure;
}

/** Without a user name or password, should there be any in it. */
export function nameOf({ origin, pathname }: URL): string {
  return pathname === '/' ? origin : `${origin}${pathname}`;
}
