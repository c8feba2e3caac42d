// Generated from crds/gitsources.yaml by `npm run generate`. Do not edit.

export interface GitSourceSpec {
  /**
   * URL#ref:path, without credentials: how the annotation bastion-operator.dev/source of its Bastions names it.
   */
  source: string;
}

/**
 * Written by the controller.
 */
export interface GitSourceStatus {
  /**
   * synced: the newest commit of the ref is in force. In every other state nothing is deleted. unreachable: it cannot be fetched or read. gone: the ref does not exist. emptied: it holds no manifest any more. rewritten: its history does not follow from what was in force. refused: it holds more than is read of it. untrusted: a commit is not signed as its policy asks. unconfigured: the configuration of the controller does not name it any more.
   */
  state:
    'synced' | 'unreachable' | 'gone' | 'emptied' | 'rewritten' | 'refused' | 'untrusted' | 'unconfigured';
  /**
   * What was found, or why it is not synced and what to do.
   */
  message: string;
  /**
   * When it came to be in this state.
   */
  since?: string;
  /**
   * The last one in force.
   */
  commit?: string;
  /**
   * When that commit came into force.
   */
  lastSyncedAt?: string;
  /**
   * When it was last read, though nothing was new. While nothing changes it is written every five minutes only.
   */
  lastSuccessAt?: string;
  /**
   * From which its history was verified, where signatures are asked for.
   */
  trustedCommit?: string;
  /**
   * Bastions whose files went missing in a rewritten history. They are kept until that is confirmed.
   */
  withheld?: string[];
  /**
   * How many problems the last look at it has met.
   */
  problemCount?: number;
  /**
   * The first of these problems.
   */
  problems?: {
    path?: string;
    message: string;
  }[];
  conditions?: {
    type: 'Synced';
    status: 'True' | 'False' | 'Unknown';
    reason: string;
    message: string;
    lastTransitionTime: string;
  }[];
}
