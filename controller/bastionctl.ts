#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { systemClock } from './shell/clock.ts';
import { runCommandLine } from './shell/command-line.ts';

const parts = { homeDir: homedir(), clock: systemClock(), newId: randomUUID };
process.exitCode = await runCommandLine('bastionctl', parts);
