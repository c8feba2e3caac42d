// Generated from crds/guards.yaml by `npm run generate`. Do not edit.

/**
 * Written by the controller.
 */
export interface GuardStatus {
  /**
   * Stands for exactly what is withheld. Written into the annotation bastion-operator.dev/confirm it confirms that; when something else is withheld, it is another.
   */
  token?: string;
  /**
   * What the controller does once that is confirmed.
   */
  effect?: string;
  /**
   * What a confirmation of this token lets go.
   */
  withheld?: string[];
  /**
   * How much more is held back, and needs a confirmation of its own afterwards.
   */
  more?: number;
  /**
   * The confirm annotation that was refused last, since its token was not this one.
   */
  refused?: string;
  /**
   * The last confirmation that was acted on.
   */
  confirmation?: {
    token: string;
    by: string;
    /**
     * What had been withheld for; what is withheld for another reason is not confirmed.
     */
    reason?: string;
    at: string;
  };
  conditions?: {
    type: 'Tripped';
    status: 'True' | 'False' | 'Unknown';
    reason: string;
    message: string;
    lastTransitionTime: string;
  }[];
}
