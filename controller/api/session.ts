import type { Readable, Writable } from 'node:stream';

/** Session Manager, called with the credentials of the person who runs this process. */
export interface Sessions {
  /** @throws SessionError */
  start(request: SessionRequest, signal: AbortSignal): Promise<StartedSession>;
  /** One that has ended already is success. @throws SessionError */
  terminate(session: Pick<StartedSession, 'id' | 'region'>): Promise<void>;
}

export interface SessionRequest {
  readonly region: string;
  /** `ecs:<cluster>_<task>_<runtime>` or `mi-…`, as in `status.sessionTarget`. */
  readonly target: string;
  readonly purpose: SessionPurpose;
  /** For the record that Session Manager keeps. */
  readonly reason: string;
}

export type SessionPurpose =
  /** A local port that leads to a port of another host; 0 leaves the choice to the plugin, which tells. */
  | { readonly kind: 'port'; readonly host: string; readonly port: number; readonly localPort: number }
  | { readonly kind: 'shell' }
  | { readonly kind: 'command'; readonly command: readonly string[] };

export interface StartedSession {
  readonly id: string;
  readonly region: string;
  /** What the plugin takes over with. */
  readonly handover: PluginHandover;
}

/** The words of the plugin's command line (aws-facts 10). */
export interface PluginHandover {
  /** JSON with the session's token: a secret, never in an argv, a log or a message. */
  readonly response: string;
  /** JSON of the request, without a secret. */
  readonly request: string;
  readonly profile: string;
  /** URL of Systems Manager. */
  readonly endpoint: string;
}

/** Why there is no session; each has a message of its own with the next step. */
export type SessionFailure =
  | 'PluginMissing'
  | 'PluginTooOld'
  | 'PluginFailed'
  | 'NoCredentials'
  | 'CredentialsExpired'
  | 'AccessDenied'
  | 'TargetNotConnected'
  | 'AdvancedTierOff'
  | 'SessionLimit'
  | 'PortTaken'
  | 'TargetRefused'
  | 'Unreachable'
  | 'Refused';

/** `message` says what happened and to what, `hint` what to do next. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly failure: SessionFailure;
  readonly hint: string;
  constructor(failure: SessionFailure, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
    this.hint = hint;
  }
}

/** Sessions with the plugin running: what people and their tools use. */
export interface Tunnels {
  /**
   * Listens on a port of this machine until closed, and keeps it while the session behind it is replaced.
   * Resolves once the first session carries data. @throws SessionError
   */
  openPort(request: PortRequest, signal: AbortSignal): Promise<PortTunnel>;
  /** A shell or a command, with its streams in this process's hands. @throws SessionError */
  openStreams(request: StreamRequest, signal: AbortSignal): Promise<StreamSession>;
  /** A shell at this process's own terminal. @returns the plugin's exit code @throws SessionError */
  openTerminal(request: StreamRequest, signal: AbortSignal): Promise<number>;
}

/** Everything but the purpose; asked anew for each session, for a task may have taken another's place. */
export type SessionOrigin = () => Promise<Omit<SessionRequest, 'purpose'>>;

export interface PortRequest {
  readonly origin: SessionOrigin;
  readonly host: string;
  readonly port: number;
  /** 0 takes any that is free. Listens on loopback only. */
  readonly localPort: number;
  /** What happens to the tunnel after it was opened. */
  readonly onChange: (change: TunnelChange) => void;
}

export type TunnelChange =
  | { readonly kind: 'dropped'; readonly why: string; readonly retryInMs: number }
  /** It ended while nobody was connected: who connects next gets a new session. */
  | { readonly kind: 'rested'; readonly why: string }
  | { readonly kind: 'reconnected' }
  /** The port is there, but what it leads to takes no connection. */
  | { readonly kind: 'refused'; readonly error: SessionError };

export interface PortTunnel {
  readonly localPort: number;
  /** Rejects with a SessionError when it cannot go on; resolves when it was closed. */
  readonly ended: Promise<void>;
  /** Ends connections, plugin and session. */
  close(): Promise<void>;
}

export interface StreamRequest {
  readonly origin: SessionOrigin;
  readonly purpose: Exclude<SessionPurpose, { readonly kind: 'port' }>;
}

export interface StreamSession {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The plugin's exit code. */
  readonly ended: Promise<number>;
  close(): Promise<void>;
}
