import { SessionError, type SessionFailure } from '../api/session.ts';
import { codeOf } from '../machinery/error-code.ts';
import { classify, explain } from './errors.ts';

/** What was asked of Session Manager. */
export interface Asked {
  readonly action: 'ssm:StartSession' | 'ssm:TerminateSession';
  /** The target, or the session. */
  readonly subject: string;
  readonly region: string;
  readonly profile: string;
}

type Rule = {
  readonly failure: SessionFailure;
  readonly fits: (error: Error, code: string) => boolean;
  readonly say: (asked: Asked, error: Error) => readonly [message: string, hint: string];
};

const CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;
const EXPIRED_TEXT = /expired|aws sso login/i;
const LIMIT_TEXT =
  /(session|connection)s?\b.*\b(limit|quota|maximum)|(limit|quota|maximum)\b.*\b(session|connection)|too many/i;
const NETWORK =
  /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

/* ONE table: the first rule that fits wins. Codes come with and without the `Exception` suffix. (aws-facts 5, 6, 8, 10) */
const RULES: readonly Rule[] = [
  {
    failure: 'CredentialsExpired',
    fits: (error, code) =>
      /^(ExpiredToken|RequestExpired)$/.test(code) ||
      (CREDENTIALS.test(error.name) && EXPIRED_TEXT.test(error.message)),
    say: ({ profile }) => ['your AWS credentials have expired', loginHint(profile)],
  },
  {
    failure: 'NoCredentials',
    fits: (error, code) =>
      CREDENTIALS.test(error.name) ||
      /^(UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|MissingAuthenticationToken|AuthFailure)$/.test(
        code,
      ) ||
      /^(SignatureDoesNotMatch|InvalidSignature|IncompleteSignature)$/.test(code),
    say: ({ profile }, error) =>
      CREDENTIALS.test(error.name)
        ? [
            `no AWS credentials were found${ofProfile(profile)}`,
            `choose a profile with AWS_PROFILE, or ${signIn(profile)}`,
          ]
        : [
            `AWS does not accept your credentials${ofProfile(profile)}: ${error.message}`,
            `choose another profile with AWS_PROFILE, or ${signIn(profile)}; a clock that is wrong looks like this too`,
          ],
  },
  {
    failure: 'AdvancedTierOff',
    fits: ({ message }) => /advanced-instances tier/i.test(message),
    say: ({ subject, region }) => [
      `${subject} cannot be reached: Session Manager serves hybrid nodes of the advanced-instances tier only, which is off in ${region}`,
      `switch it on (it costs money for each hybrid node of the account): aws ssm update-service-setting --setting-id /ssm/managed-instance/activation-tier --setting-value advanced --region ${region}; or use spec.access.transport: EcsExec, which needs none`,
    ],
  },
  {
    failure: 'TargetNotConnected',
    fits: (_, code) => code === 'TargetNotConnected',
    say: ({ subject }) => [
      `${subject} is not connected to Session Manager`,
      'its agent may still be starting, or cannot reach ssmmessages; look: bastionctl doctor, and bastionctl describe bastion',
    ],
  },
  {
    failure: 'SessionLimit',
    fits: (error, code) =>
      classify(error) === 'throttled' ||
      /LimitExceeded$|^ServiceQuotaExceeded$/.test(code) ||
      (/^(BadRequest|Validation|Client|InvalidParameter)$/.test(code) && LIMIT_TEXT.test(error.message)),
    say: ({ subject, region }, error) => [
      `Session Manager takes no further session with ${subject} now: ${error.message}`,
      `try again in a minute, and end sessions that nobody needs: aws ssm describe-sessions --state Active --filters key=Target,value=${subject} --region ${region}`,
    ],
  },
  {
    failure: 'AccessDenied',
    fits: (error) => classify(error) === 'denied',
    say: (asked, error) => {
      const { action, resource } = deniedIn(error.message, asked);
      return [
        `you may not do ${action} on ${resource}: ${error.message}`,
        'ask for the policy of those who connect (deploy/iam), or choose another profile with AWS_PROFILE; bastionctl doctor shows what is missing',
      ];
    },
  },
  {
    failure: 'Refused',
    fits: (_, code) => code === 'InvalidDocument',
    say: ({ region }, error) => [
      `Session Manager does not know the document of this session in ${region}: ${error.message}`,
      'the account may have taken its sharing back: ask who looks after Systems Manager there',
    ],
  },
  {
    failure: 'Unreachable',
    fits: (error) => isUnanswered(error),
    say: ({ region }, error) => [
      `Systems Manager does not answer in ${region}: ${explain(error)}`,
      'check the network (a proxy? a VPN?) and the region, then try again',
    ],
  },
];

/** An error of AWS, or on the way there, as what it means to the person who connects. */
export function sessionError(error: unknown, asked: Asked): SessionError {
  if (error instanceof SessionError) return error;
  const known = error instanceof Error ? error : new Error(String(error));
  const code = known.name.replace(/Exception$/, '');
  const rule = RULES.find(({ fits }) => fits(known, code));
  if (!rule) {
    const message = `Session Manager refused ${asked.action} for ${asked.subject}: ${explain(known)}`;
    return new SessionError('Refused', message, 'look for what is wrong: bastionctl doctor', {
      cause: error,
    });
  }
  const [message, hint] = rule.say(asked, known);
  return new SessionError(rule.failure, message, hint, { cause: error });
}

function isUnanswered(error: Error): boolean {
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  if (($metadata?.httpStatusCode ?? 0) >= 500) return true;
  return /^(Timeout|InternalServer)(Error)?$/.test(error.name) || NETWORK.test(codeOf(error) ?? '');
}

/** As AWS words it: `… is not authorized to perform: ssm:StartSession on resource: arn:… because …` */
function deniedIn(message: string, asked: Asked): { action: string; resource: string } {
  const [, action = asked.action, resource = asked.subject] =
    /not authorized to perform:?\s+(\w+:\w+)(?:\s+on resource:?\s+(\S+))?/.exec(message) ?? [];
  return { action, resource };
}

const ofProfile = (profile: string) => (profile === '' ? '' : ` in the profile ${profile}`);
const signIn = (profile: string) => `sign in: aws sso login${profile === '' ? '' : ` --profile ${profile}`}`;
const loginHint = (profile: string) =>
  `${signIn(profile)}, or get new ones as you did before; then run this again`;
