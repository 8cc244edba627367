// Sees every record on its way out and every outcome on its way back, and shows one in a hundred.

import type { ProducerInterceptor } from '../../src/client/index.ts';

export class StockProducerInterceptor implements ProducerInterceptor {
  onSendCount = 0;
  onAckCount = 0;
  failureCount = 0;

  onSend: ProducerInterceptor['onSend'] = ({ topic, key, value }) => {
    this.onSendCount++;
    if (this.onSendCount % 100 === 0) {
      console.log(`onSend topic=${topic} key=${key} value=${JSON.stringify(value)}`);
    }
  };

  onAcknowledgement: ProducerInterceptor['onAcknowledgement'] = (metadata, error) => {
    this.onAckCount++;
    if (error !== null) this.failureCount++;
    if (this.onAckCount % 100 === 0) {
      const { topic, partition, offset } = metadata;
      console.log(`onAck topic=${topic}, part=${partition}, offset=${offset}`);
    }
  };
}
