import { ApiError } from '../../machinery/api-error.ts';
import type { AddRoutes } from '../context.ts';

/** Which AWS this process looks at: whoever connects to a Bastion needs it, and opens the session as themselves. */
export const addAbout: AddRoutes = (app, { about }) => {
  app.get('/bastion-operator/about', async () => {
    const found = await about?.();
    if (found) return found;
    throw new ApiError('NotFound', 'this server does not know which AWS its Bastions are in');
  });
};
