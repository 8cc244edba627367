// Groups that come to harm, on top of a produce load: members that are started, leave, freeze, die
// and are started again; an observer beside them; and at the end the demand that every group
// settles and comes to the end of what was produced.

import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import { CommittedOffsets, GroupProgress, OneOwner } from '../checkers/index.ts';
import type { SimProcess } from '../sim-process.ts';
import {
  type GroupWatch,
  lookAtGroups,
  type ObserverOptions,
  observeGroups,
  runMember,
  type SeenGroup,
} from '../workloads/index.ts';
import type { World } from '../world.ts';
import { drawMember, type GroupPlan } from './group-plan.ts';
import { type LoadPlan, LoadRun } from './load-run.ts';

export interface GroupLoadPlan extends LoadPlan {
  readonly groups: readonly GroupPlan[];
  /** Mean time between two events in the life of the members. */
  readonly churnMsMean: number;
  /** After the faults a group settles and reads on to the end within this. Default 600 000. */
  readonly settledMsMax?: number;
  /** While harm is done there may be an older coordinator beside the newest. Default: never. */
  readonly mayLag?: boolean;
}

/** One member after the other, on one host and, if it is static, under one name. */
interface Slot {
  readonly group: GroupPlan;
  readonly hostName: string;
  readonly instanceId: string | null;
  process: SimProcess | null;
  lifeCount: number;
}

const lookMsMax = 60_000;
/** Beyond most session timeouts. */
const freezeMsMean = 3_000;

export class GroupRun {
  readonly load: LoadRun;
  readonly watch: GroupWatch;
  readonly #world: World;
  readonly #plan: GroupLoadPlan;
  readonly #prng: Prng;
  readonly #slots: readonly Slot[];
  #ends: readonly number[] = [];

  constructor(world: World, plan: GroupLoadPlan) {
    this.#world = world;
    this.#plan = plan;
    this.#prng = world.prng.fork('churn');
    this.load = new LoadRun(world, plan);
    this.watch = {
      bootstrapServers: this.load.cluster.bootstrapServers,
      owners: new OneOwner(),
      commits: new CommittedOffsets(),
      progress: new GroupProgress(),
      isSettling: false,
    };
    this.watch.commits.mayLag = plan.mayLag ?? false;
    this.#slots = plan.groups.flatMap((group) =>
      Array.from({ length: group.memberCount }, (_, index): Slot => {
        const hostName = `${group.groupId}-${index + 1}`;
        const instanceId = index < group.staticCount ? hostName : null;
        return { group, hostName, instanceId, process: null, lifeCount: 0 };
      }),
    );
  }

  /** Hosts of the clients, for a nemesis. */
  get peers(): string[] {
    return [...this.load.peers, ...this.#slots.map(({ hostName }) => hostName)];
  }

  async begin(): Promise<void> {
    const { load, watch } = this;
    await load.begin();
    load.cluster.runClient('observer', (io) => observeGroups(io, this.#observed(), watch));
    this.#churn();
  }

  /** To be called when everything is healed. */
  async finish(): Promise<void> {
    const { load, watch } = this;
    await load.finish();
    this.#ends = (await load.check()).map(({ endOffset }) => endOffset);
    watch.isSettling = true;
    watch.commits.mayLag = false;
    await this.settle();
    const { owners, commits } = watch;
    this.#world.note(`${owners.provenCount} proven owners, ${commits.fetchCount} fetched commits`);
  }

  /** Waits until every group is stable, and has read and committed everything. */
  async settle(): Promise<void> {
    const endMs = this.#world.timeMs + (this.#plan.settledMsMax ?? 600_000);
    for (;;) {
      // Some were about to leave when they were told to stay.
      for (const slot of this.#slots) if (!isAtWork(slot)) this.#start(slot);
      const look = await this.#look();
      const open = look.flatMap((seen, index) => this.#missing(seen, index));
      if (open.length === 0) return;
      assert(this.#world.timeMs < endMs, `no progress when all is healed: ${open.join('; ')}`);
      await this.#world.advance(500);
    }
  }

  /** What keeps the group from being done. */
  #missing({ description, offsets }: SeenGroup, index: number): string[] {
    const { groupId, memberCount } = this.#plan.groups[index] as GroupPlan;
    const missing: string[] = [];
    const { state, members } = description;
    if (state !== 'Stable') missing.push(`group ${groupId} is ${state}`);
    if (members.length !== memberCount) {
      missing.push(`group ${groupId} has ${members.length} members, not ${memberCount}`);
    }
    const { places } = this.load;
    const ownedCount = members.reduce((count, { assignment }) => count + assignment.length, 0);
    if (ownedCount !== places.length) missing.push(`${groupId} owns ${ownedCount} partitions`);
    for (const [i, place] of places.entries()) {
      const end = this.#ends[i] ?? 0;
      const at = `${groupId}/${place.topic}-${place.partition}`;
      if (!this.watch.progress.hasSeen({ ...place, groupId }, end))
        missing.push(`${at} is not read`);
      // Of an empty partition nothing is committed.
      if (end > 0 && offsets[i] !== end) missing.push(`${at} is at ${offsets[i]}, not ${end}`);
    }
    return missing;
  }

  async #look(): Promise<SeenGroup[]> {
    let seen: SeenGroup[] = [];
    const { cluster } = this.load;
    await cluster.asClient(
      'checker',
      async (io) => {
        seen = await lookAtGroups(io, this.#observed(), this.watch);
      },
      lookMsMax,
    );
    return seen;
  }

  #observed(): ObserverOptions {
    const groups = this.#plan.groups.map(({ groupId, isAutoCommitted }) => {
      return { groupId, commitsByHand: !isAutoCommitted };
    });
    return { groups, places: this.load.places, pauseMs: 700 };
  }

  /** One thing after the other happens to members, until they are to settle. */
  #churn(): void {
    for (const slot of this.#slots) if (this.#prng.chance(0.8)) this.#start(slot);
    const plan = (): void => {
      const pauseMs = -this.#plan.churnMsMean * Math.log(1 - this.#prng.float());
      this.#world.loop.schedule(pauseMs, () => {
        if (this.watch.isSettling) return;
        this.#disturb(this.#prng.pick(this.#slots));
        plan();
      });
    };
    plan();
  }

  #disturb(slot: Slot): void {
    if (!isAtWork(slot)) {
      this.#start(slot);
      return;
    }
    if (this.#prng.chance(0.5)) {
      if (this.#prng.chance(0.3)) slot.process?.freeze(this.#prng.int(2 * freezeMsMean));
      return;
    }
    slot.process?.kill();
    // Often at once, before anybody has noticed.
    if (this.#prng.chance(0.5)) this.#start(slot);
  }

  #start(slot: Slot): void {
    slot.process?.kill();
    const { group, hostName, instanceId } = slot;
    const name = `${hostName}#${++slot.lifeCount}`;
    const prng = this.#world.prng.fork(`member ${name}`);
    const life = { name, instanceId, timeMs: this.#world.timeMs };
    const topics = this.#plan.topics.map((topic) => topic.name);
    const plan = { ...drawMember(prng, group, life), topics };
    slot.process = this.load.cluster.runClient(hostName, (io) =>
      runMember(io, plan, this.watch, prng),
    );
  }
}

/** It may have left: then its process has nothing more to do. */
function isAtWork({ process }: Slot): boolean {
  return process?.isAlive === true && !process.hasReturned;
}
