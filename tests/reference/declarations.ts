// Reads what a source file declares, with the TSDoc texts, for docs/client-reference.md.
//
// Invariant: this is no parser of TypeScript. It relies on the formatter: a declaration begins at
// the start of a line, its members are indented by two, and what closes them is indented alike.

export interface Member {
  readonly name: string;
  /** As it stands in the source, without the body, the initial value and `async`. */
  readonly signature: string;
  /** What follows the name and its colon; empty for a method. */
  readonly type: string;
  readonly isMethod: boolean;
  readonly isOptional: boolean;
  /** The TSDoc text as Markdown; null without one. */
  readonly text: string | null;
}

export interface Declaration {
  readonly kind: 'class' | 'interface' | 'type' | 'function' | 'const';
  readonly name: string;
  readonly isExported: boolean;
  readonly text: string | null;
  /** Up to the body; several for a function with overloads. */
  readonly signatures: readonly string[];
  /** All of it, with the comments within. */
  readonly source: string;
  readonly bases: readonly string[];
  readonly members: readonly Member[];
}

interface Block {
  readonly text: string | null;
  readonly source: string;
}

const opening =
  /^(export )?(?:declare |abstract |async )*(class|interface|type|function|const) (\w+)/;

/** The declarations of a file, by name. */
export function readDeclarations(source: string): ReadonlyMap<string, Declaration> {
  const found = new Map<string, Declaration>();
  for (const block of blocksOf(source.split('\n'), '')) {
    const match = opening.exec(block.source);
    if (match === null) continue;
    const [, exported, kind, name] = match as unknown as [string, string?, ...[never, string]];
    found.set(name, declarationOf(block, kind, name, exported !== undefined, found.get(name)));
  }
  return found;
}

function declarationOf(
  { text, source }: Block,
  kind: Declaration['kind'],
  name: string,
  isExported: boolean,
  overload: Declaration | undefined,
): Declaration {
  const isBody = kind === 'class' || kind === 'interface';
  const head = kind === 'const' ? constHead(source) : headOf(source);
  const signature = head.text.replace(/^export (async )?/, '');
  // The implementation behind overloads is nobody's to call.
  const isHidden = overload !== undefined && !head.isDeclaration;
  const earlier = overload?.signatures ?? [];
  const lines = source.slice(head.text.length).split('\n').slice(1, -1);
  const bases = /\bextends\s+([^{]*)/.exec(isBody ? head.text : '')?.[1] ?? '';
  return {
    kind,
    name,
    isExported,
    text: overload?.text ?? text,
    signatures: isHidden ? earlier : [...earlier, signature],
    source: source.replace(/^export /, '').replace(/^ *\/\/ biome-ignore.*\n/gm, ''),
    bases: bases.split(',').map((base) => base.trim().replace(/<.*/s, '')),
    members: isBody ? membersOf(lines) : [],
  };
}

function membersOf(lines: readonly string[]): Member[] {
  const members: Member[] = [];
  const overloaded = new Set<string>();
  for (const { text, source } of blocksOf(lines, '  ')) {
    const head = headOf(source);
    const signature = head.text.replace(/\n {2}/g, '\n').replace(/^(static )?async /, '$1');
    const match =
      /^(?:(?:static|readonly|declare|override|get) )*(#?[\w$]+|\[[\w.]+\]|'[^']+')(\??)/.exec(
        signature,
      );
    const name = match?.[1]?.replaceAll("'", '') ?? '';
    if (name === '' || name.startsWith('#') || signature === 'static') continue;
    const rest = signature.slice(match?.[0].length);
    const isMethod = /^[(<]/.test(rest) && !/^(static )?get /.test(signature);
    if (isMethod && head.isDeclaration) overloaded.add(name);
    else if (isMethod && overloaded.has(name)) continue;
    const earlier = members.find((each) => each.name === name)?.text ?? null;
    members.push({
      name,
      signature,
      type: isMethod ? '' : rest.replace(/^(\(\))?(: )?/, '').trim(),
      isMethod,
      isOptional: match?.[2] === '?',
      text: text ?? earlier,
    });
  }
  return members;
}

/** What begins at this indentation, each with the TSDoc comment right above it. */
function blocksOf(lines: readonly string[], indentation: string): Block[] {
  const blocks: { text: string | null; lines: string[] }[] = [];
  let comment: string[] | null = null;
  let text: string | null = null;
  for (const line of lines) {
    const content = line.slice(indentation.length);
    if (comment !== null) comment.push(line);
    else if (line.startsWith(`${indentation}/**`)) comment = [line];
    else if (/^[^\s{)}\]>/|]/.test(content) && line.startsWith(indentation)) {
      blocks.push({ text, lines: [content] });
      text = null;
    } else if (!content.startsWith('//')) blocks.at(-1)?.lines.push(line);
    if (comment !== null && line.endsWith('*/')) {
      text = textOf(comment);
      comment = null;
    }
  }
  return blocks.map((block) => ({ text: block.text, source: block.lines.join('\n').trimEnd() }));
}

/** A TSDoc comment as Markdown: the text, and a paragraph for each tag. */
function textOf(comment: readonly string[]): string {
  const text = comment
    .map((line) => line.replace(/^\s*(\/\*\*| \*\/|\*\/|\*) ?/, '').replace(/\s*\*\/$/, ''))
    .join('\n')
    .trim();
  const [first = '', ...tagged] = text.split(/\s*@(?=(?:throws|returns|param) )/);
  return [first, ...tagged.map(sentenceOf)].filter((each) => each !== '').join('\n\n');
}

function sentenceOf(tagged: string): string {
  const sentence = tagged
    .replace(/^throws /, 'Throws ')
    .replace(/^returns /, 'Returns ')
    .replace(/^param (\S+) /, '`$1`: ')
    .replace(/\n +/g, '\n');
  return /[.…]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** A constant with its value if that is a list of names; otherwise what it is without it. */
function constHead(source: string): { text: string; isDeclaration: boolean } {
  if (!/^[^=]* = \(/.test(source)) {
    const isTable = /^[^=]* = \{/.test(source);
    return { text: isTable ? source : (source.split(' = ')[0] as string), isDeclaration: true };
  }
  for (const [at, depth] of depths(source)) {
    if (depth === 0 && source.startsWith('=>', at)) {
      return { text: source.slice(0, at).trimEnd(), isDeclaration: true };
    }
  }
  return { text: source, isDeclaration: true };
}

/** Up to the body, the value or the end of the statement. */
function headOf(source: string): { text: string; isDeclaration: boolean } {
  const isType = /^(export )?type /.test(source);
  for (const [at, depth] of depths(source)) {
    if (depth !== 0 || !';{='.includes(source[at] as string)) continue;
    const before = source.slice(0, at).trimEnd();
    if (source[at] === ';') return { text: before, isDeclaration: true };
    if (isType) continue;
    if (source[at] === '{' && !/(?:[:|&=,]|=>)$/.test(before)) {
      return { text: before, isDeclaration: false };
    }
    if (source[at] === '=' && source[at + 1] !== '>') return { text: before, isDeclaration: false };
  }
  return { text: source, isDeclaration: true };
}

/** Brackets, ends and values outside of texts and comments, with how many brackets are open. */
function* depths(source: string): Generator<[at: number, depth: number]> {
  let depth = 0;
  for (const { 0: found, index } of source.matchAll(token)) {
    if (found.length > 1) continue;
    const isArrow = found === '>' && source[index - 1] === '=';
    if (')]}>'.includes(found) && !isArrow) depth -= 1;
    yield [index, depth];
    if ('([{<'.includes(found)) depth += 1;
  }
}

const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[()[\]{}<>;=]/g;
