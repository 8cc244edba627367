// A store away for as long as one likes: `npm run test:store-away -- --store zookeeper` (default:
// etcd), --members 1 (default: 3), --seconds 600 (default: 60), --how stop,cut,SIGSTOP (the
// default), --session 6000. Each is played twice, once with a leader that dies meanwhile, unless
// --deaths no.

import type { StoreKind } from './store-members.ts';
import { type Away, StoreStory } from './store-story.ts';

const args = process.argv.slice(2);
const flagOf = (name: string, preset: string): string => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? preset : (args[at + 1] ?? preset);
};

const beganMs = performance.now();
const awayMs = Number(flagOf('seconds', '60')) * 1000;
const hasDeaths = flagOf('deaths', 'yes') !== 'no';
const found = await StoreStory.tell(
  {
    store: flagOf('store', 'etcd') as StoreKind,
    storeMemberCount: Number(flagOf('members', '3')),
    sessionMs: Number(flagOf('session', '6000')),
    say: (line) => console.log(`${Math.round((performance.now() - beganMs) / 1000)} s  ${line}`),
  },
  async (story) => {
    for (const how of flagOf('how', 'stop,cut,SIGSTOP').split(',') as Away[]) {
      if (story.canPlay(how)) await story.away(how, awayMs);
      else console.log(`left out: ${how}`);
      if (story.canPlay(how) && hasDeaths) await story.leaderDies(how, awayMs);
    }
    await story.sessionsEnd();
  },
);
for (const line of found) console.log(`WRONG: ${line}`);
console.log(`${found.length} wrong`);
process.exit(found.length === 0 ? 0 : 1);
