#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { runCommandLine } from './app/command-line.ts';
import { systemClock } from './app/process/clock.ts';

const parts = { homeDir: homedir(), clock: systemClock(), newId: randomUUID };
process.exitCode = await runCommandLine('bastionctl', parts);
