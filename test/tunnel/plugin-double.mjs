// Stands in for the official plugin where it fails in a way of its own: PLUGIN_DOUBLE says how.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [mode = '', detail = ''] = (process.env.PLUGIN_DOUBLE ?? '').split('=');
const words = process.argv.slice(2);
const note = (what) => appendFileSync(process.env.PLUGIN_NOTES, `${JSON.stringify(what)}\n`);

if (words[0] === '--version') {
  process.stdout.write(`${mode === 'version' ? detail : '1.2.677.0'}\n`);
  process.exit();
}
const { SessionId, TokenValue } = JSON.parse(process.env[words[0]] ?? '{}');
note({
  pid: process.pid,
  words,
  variables: Object.keys(process.env).filter((name) => name.startsWith('AWS_SSM')),
});
process.stdout.write(`\nStarting session with SessionId: ${SessionId}\n`);

if (mode === 'crash') {
  process.stdout.write(`Cannot perform start session: ${detail} ${TokenValue}\n`);
} else if (mode === 'silent') {
  setInterval(() => undefined, 60_000);
} else if (mode === 'stdout') {
  process.stdout.write(`${detail}\n\nExiting session with sessionId: ${SessionId}.\n\n`);
} else {
  if (mode === 'stubborn') process.on('SIGINT', () => note({ signal: 'SIGINT' }));
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (mode === 'dies') process.exit();
    process.stdout.write('\nConnection to destination port failed, check SSM Agent logs.\n');
    socket.end();
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    process.stdout.write(`Port ${port} opened for sessionId ${SessionId}.\nWaiting for connections...\n`);
  });
}
