import { columnsFor } from '../../api/columns.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Resources } from '../../machinery/resources.ts';
import { GIT_SOURCE_ADVICE } from '../../server/git-source-strategy.ts';
import type { AddRoutes } from '../context.ts';
import { addProjection } from './projection-routes.ts';
import { GIT_SOURCES } from './resource-type.ts';

/** What the controller has found in its git sources. */
export const addGitSources: AddRoutes = (app, { api }) => {
  const type = { ...GIT_SOURCES, columns: columnsFor('gitsources'), advice: GIT_SOURCE_ADVICE };
  addProjection(app, type, api.gitsources as Resources<KubeObject>);
};
