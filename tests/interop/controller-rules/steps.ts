// Sequences of what brokers and operators ask of a controller, right and wrong, drawn from a seed.
// A step is a line of words that both sides understand:
//
//   register BROKER INCARNATION now|old|none DIRECTORIES       (the epoch of its last life)
//   heartbeat BROKER now|old all|none [f][s]|- OFFLINE         (wants fence, wants shutdown)
//   fence BROKER; unregister BROKER
//   create TOPIC 1,2/2,3 [KEY=VALUE]; add TOPIC COUNT 1,2/2,3; delete TOPIC
//   alter TOPIC PARTITION leader|BROKER 1:now,2:old LEADER_EPOCH PARTITION_EPOCH RECOVERY
//   elect preferred|unclean all|TOPIC PARTITION; balance
//   reassign TOPIC PARTITION 1,2|cancel any|same
//   directory BROKER now|old TOPIC PARTITION DIRECTORY
//   config TOPIC|* KEY VALUE|-

import { Prng } from '../../../src/base/prng.ts';

export const brokerCount = 5;
const topics = ['a', 'b', 'c'] as const;

/** @returns the first line says whether eligible leader replicas are on */
export function sequenceOf(seed: number): string[] {
  const random = new Prng(`controller/${seed}`);
  const draw = new Draw(random);
  const steps = [`begin ${random.chance(0.75) ? 'elr' : 'plain'}`];
  for (let id = 1; id <= 3 + random.int(3); id++) steps.push(...draw.join(id));
  if (random.chance(0.7)) steps.push(`config * min.insync.replicas ${1 + random.int(3)}`);
  if (random.chance(0.2)) steps.push('config * unclean.leader.election.enable true');
  for (const topic of topics.slice(0, 1 + random.int(3))) steps.push(draw.create(topic));
  const count = 10 + random.int(50);
  for (let i = 0; i < count; i++) steps.push(...draw.step());
  return steps;
}

class Draw {
  readonly #random: Prng;
  #incarnation = 0;

  constructor(random: Prng) {
    this.#random = random;
  }

  #broker(): number {
    return 1 + this.#random.int(this.#random.chance(0.03) ? brokerCount + 1 : brokerCount);
  }

  #topic(): string {
    return this.#random.chance(0.03) ? 'nowhere' : this.#random.pick(topics);
  }

  #place(): string {
    return `${this.#topic()} ${this.#random.chance(0.05) ? 2 : this.#random.int(2)}`;
  }

  #some(count: number): number[] {
    const random = this.#random;
    const ids = Array.from({ length: brokerCount }, (_, index) => index + 1);
    for (let i = ids.length - 1; i > 0; i--) {
      const j = random.int(i + 1);
      [ids[i], ids[j]] = [ids[j] as number, ids[i] as number];
    }
    const some = ids.slice(0, count);
    if (random.chance(0.02)) some.push(this.#broker());
    return some;
  }

  #replicas(): string {
    return this.#some(1 + this.#random.int(4)).join(',');
  }

  #directories(id: number): string {
    const [first, second] = [10 * id + 1, 10 * id + 2];
    return this.#random.pick([`${first}`, `${first},${second}`, `${second}`, `${first},${second}`]);
  }

  /** Twice: Kafka forgets how far a broker has replayed when that is unfenced. */
  #live(id: number): string[] {
    const step = `heartbeat ${id} now all - -`;
    return [step, step];
  }

  join(id: number): string[] {
    return [
      `register ${id} ${++this.#incarnation} none ${this.#directories(id)}`,
      ...this.#live(id),
    ];
  }

  create(topic: string): string {
    const random = this.#random;
    const size = 1 + random.int(4);
    const partitions = Array.from({ length: 1 + random.int(2) }, () => this.#some(size).join(','));
    const configs = [];
    if (random.chance(0.5)) configs.push(`min.insync.replicas=${1 + random.int(3)}`);
    if (random.chance(0.15)) configs.push('unclean.leader.election.enable=true');
    return ['create', topic, partitions.join('/'), ...configs].join(' ');
  }

  step(): string[] {
    const random = this.#random;
    const id = this.#broker();
    switch (random.int(22)) {
      case 0:
      case 1:
      case 2:
        return [`fence ${id}`];
      case 3:
      case 4:
      case 5: {
        const previous = random.pick(['now', 'now', 'none', 'old']);
        const lines = [
          `register ${id} ${++this.#incarnation} ${previous} ${this.#directories(id)}`,
        ];
        if (random.chance(0.6)) lines.push(...this.#live(id));
        return lines;
      }
      case 6:
      case 7:
      case 8:
        return this.#live(id);
      case 9: {
        const wants = random.pick(['f', 's', 's', 's', 'fs', '-']);
        const epoch = random.chance(0.1) ? 'old' : 'now';
        const offset = random.chance(0.2) ? 'none' : 'all';
        return [`heartbeat ${id} ${epoch} ${offset} ${wants} -`, ...this.#live(id)];
      }
      case 10:
        return [`heartbeat ${id} now all - ${10 * id + 1 + random.int(2)}`, ...this.#live(id)];
      case 11:
      case 12:
      case 13:
      case 14:
        return [this.#alteration()];
      case 15:
        return [`elect ${random.pick(['preferred', 'unclean'])} ${this.#placeOrAll()}`];
      case 16:
      case 17:
        return [this.#reassignment()];
      case 18: {
        const directory = random.pick([`${10 * id + 1}`, `${10 * id + 2}`, '99', 'lost']);
        const epoch = random.chance(0.1) ? 'old' : 'now';
        return [`directory ${id} ${epoch} ${this.#place()} ${directory}`];
      }
      case 19:
        return [random.chance(0.5) ? 'balance' : this.#config()];
      case 20:
        return [this.create(random.pick(topics))];
      default:
        return [this.#rare(id)];
    }
  }

  #placeOrAll(): string {
    return this.#random.chance(0.3) ? 'all' : this.#place();
  }

  #alteration(): string {
    const random = this.#random;
    const isWrong = random.chance(0.2);
    const by = isWrong && random.chance(0.3) ? `${this.#broker()}` : 'leader';
    const members = this.#some(1 + random.int(4)).map((id) => {
      return `${id}:${isWrong ? random.pick(['now', 'old', 'none']) : 'now'}`;
    });
    const offset = (): number => (isWrong && random.chance(0.3) ? random.pick([-1, 1]) : 0);
    const recovery = random.chance(0.1) ? 1 : 0;
    return `alter ${this.#place()} ${by} ${members.join(',')} ${offset()} ${offset()} ${recovery}`;
  }

  #reassignment(): string {
    const random = this.#random;
    const target = random.chance(0.25) ? 'cancel' : this.#replicas();
    return `reassign ${this.#place()} ${target} ${random.chance(0.2) ? 'same' : 'any'}`;
  }

  #config(): string {
    const random = this.#random;
    const resource = random.chance(0.3) ? '*' : this.#topic();
    if (random.chance(0.5)) {
      return `config ${resource} unclean.leader.election.enable ${random.pick(['true', 'false'])}`;
    }
    const value = random.pick(['1', '2', '3', resource === '*' ? '2' : '-']);
    return `config ${resource} min.insync.replicas ${value}`;
  }

  #rare(id: number): string {
    const random = this.#random;
    const topic = this.#topic();
    return random.pick([
      `unregister ${id}`,
      `delete ${topic}`,
      `add ${topic} ${2 + random.int(2)} ${this.#replicas()}`,
    ]);
  }
}
