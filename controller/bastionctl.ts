#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { systemClock } from './app/clock.ts';
import { runCommandLine } from './app/command-line.ts';

const parts = { homeDir: homedir(), clock: systemClock(), newId: randomUUID };
process.exitCode = await runCommandLine('bastionctl', parts);
