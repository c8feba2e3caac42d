// Fails when a production dependency has a known hole of severity high or critical: `node scripts/audit.mjs`
import { spawnSync } from 'node:child_process';

const GRAVE = ['high', 'critical'];
/** What registries answer that have no advisories to ask for. */
const NOT_OFFERED = [404, 405, 501];

const { stdout, stderr, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
if (error) throw error;
const report = parse(stdout);

if (NOT_OFFERED.includes(report?.statusCode)) {
  console.error(`not audited: the registry has no advisories to ask for (${report.message})`);
} else if (!report?.vulnerabilities) {
  console.error(
    `npm audit failed, so nothing is known: ${report?.message ?? report?.error?.summary ?? stderr}`,
  );
  process.exitCode = 1;
} else {
  judge(Object.values(report.vulnerabilities));
}

function judge(findings) {
  const grave = findings.filter(({ severity }) => GRAVE.includes(severity));
  for (const finding of grave) console.error(describe(finding));
  if (grave.length > 0) process.exitCode = 1;
  else console.log(`no high or critical finding; ${findings.length} of lesser severity`);
}

/** An advisory is named where it is; a package that only depends on the one it is about names that one. */
function describe({ name, severity, range, via }) {
  const causes = via.map((cause) =>
    typeof cause === 'string' ? `by ${cause}` : `${cause.title} (${cause.url})`,
  );
  return `${severity} ${name} ${range}: ${causes.join('; ')}`;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
