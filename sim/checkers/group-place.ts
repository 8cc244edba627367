// A partition as one group reads it: several groups share a topic and know nothing of each other.

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export interface GroupPlace extends Place {
  readonly groupId: string;
}

export function groupPlaceName({ groupId, topic, partition }: GroupPlace): string {
  return `${groupId}/${topic}-${partition}`;
}
