// Reads the TypeScript sources of the tree for the tidy test, and takes them apart as far as it
// needs: text without comments and strings, and the extent of functions. It is a rough scanner,
// not a parser: it must never fail on code that compiles, and may miss a function.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../root.ts';

export interface Source {
  /** Relative to the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export function listSources(): Source[] {
  return ['src', 'sim', 'tests', 'bench', 'examples'].flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .sort()
      .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') })),
  );
}

const token = new RegExp(
  [
    /\/\/[^\n]*/, // line comment
    /\/\*[\s\S]*?\*\//, // block comment
    /'(?:\\.|[^'\\\n])*'/,
    /"(?:\\.|[^"\\\n])*"/,
    /`(?:\\.|[^`\\])*`/,
    /(?<=[=(,:[!&|?{};]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/, // regex
  ]
    .map((part) => part.source)
    .join('|'),
  'g',
);

/** The text with comments, strings and regular expressions blanked; line breaks stay. */
export function codeOnly(text: string): string {
  return text.replace(token, (found) => found.replace(/[^\n]/g, ' '));
}

export interface FunctionExtent {
  /** 1-based line on which the body opens. */
  readonly line: number;
  readonly lineCount: number;
}

/** The bodies of functions and methods: a `{` after `=>` or after a parameter list. */
export function functionsOf(text: string): FunctionExtent[] {
  const code = codeOnly(text);
  const found: FunctionExtent[] = [];
  const open: { line: number; isFunction: boolean }[] = [];
  let line = 1;
  for (let position = 0; position < code.length; position++) {
    const character = code[position];
    if (character === '\n') line++;
    if (character === '{') open.push({ line, isFunction: opensFunction(code, position) });
    if (character !== '}') continue;
    const block = open.pop();
    if (block?.isFunction) found.push({ line: block.line, lineCount: line - block.line + 1 });
  }
  return found;
}

function opensFunction(code: string, position: number): boolean {
  const before = code.slice(Math.max(0, position - 600), position).trimEnd();
  if (before.endsWith('=>')) return true;
  // `)` or `): ReturnType`, whose parameter list is not that of if, for, while, switch or catch.
  const head = before.match(/\)(?:\s*:\s*[\w<>[\]|., ]+)?$/);
  if (head === null) return false;
  let depth = 0;
  for (let index = before.length - head[0].length; index >= 0; index--) {
    if (before[index] === ')') depth++;
    if (before[index] === '(') depth--;
    if (depth === 0) {
      return !/\b(?:if|for|while|switch|catch|await)\s*$/.test(before.slice(0, index));
    }
  }
  return false;
}
