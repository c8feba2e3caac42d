import { type IncomingMessage, request } from 'node:http';
import { HandoverError } from './handover.ts';

/** Stands for the data channel: a request whose answer lasts as long as the session. */
export interface Channel {
  /** Resolves with what the plugin says when the session is over. */
  readonly ended: Promise<string>;
  close(): void;
}

const LOCAL = ['127.0.0.1', 'localhost'];

/** @throws HandoverError when simulated AWS does not take the token */
export function openChannel({
  streamUrl,
  token,
  sessionId,
}: Record<'streamUrl' | 'token' | 'sessionId', string>): Promise<Channel> {
  const { protocol, hostname, host } = new URL(streamUrl);
  // The token goes nowhere else than to this machine.
  if (protocol !== 'ws:' || !LOCAL.includes(hostname)) {
    const message = `Cannot perform start session: ${host} is simulated within another process`;
    return Promise.reject(new HandoverError(message));
  }
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const call = request(streamUrl.replace(/^ws:/, 'http:'), { headers });
    call.once('error', (error) =>
      reject(new HandoverError(`Cannot perform start session: ${error.message}`)),
    );
    call.once('response', (response: IncomingMessage) => {
      if (response.statusCode === 200) return resolve(channelOf(response, sessionId));
      response.resume();
      reject(new HandoverError(`Cannot perform start session: channel refused with ${response.statusCode}`));
    });
    call.end();
  });
}

function channelOf(response: IncomingMessage, sessionId: string): Channel {
  const ended = new Promise<string>((resolve) => {
    response.once('end', () => resolve(`\n\nExiting session with sessionId: ${sessionId}.\n\n`));
    response.once('close', () => resolve(`\n\nSessionId: ${sessionId} : the simulated AWS is gone\n\n`));
    response.on('error', () => undefined);
    response.resume();
  });
  return { ended, close: () => void response.destroy() };
}
