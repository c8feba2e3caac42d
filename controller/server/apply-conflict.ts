import { ApiError, type FieldError } from '../machinery/api-error.ts';
import type { Conflict } from './fields/index.ts';

/** In Kubernetes' words; kubectl adds what a person can do about it. */
export function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const causes = conflicts.map((conflict): FieldError => {
    const message = `conflict with ${showManager(conflict)}`;
    return { field: conflict.field, type: 'FieldManagerConflict', message };
  });
  return new ApiError('Conflict', describe(conflicts), causes);
}

function describe(conflicts: readonly Conflict[]): string {
  const [only] = conflicts;
  if (only && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${showManager(only)}: ${only.field}`;
  }
  const byManager = new Map<string, string[]>();
  for (const conflict of conflicts) {
    const manager = showManager(conflict);
    byManager.set(manager, [...(byManager.get(manager) ?? []), `- ${conflict.field}`]);
  }
  const lines = [...byManager].flatMap(([manager, fields]) => [`conflicts with ${manager}:`, ...fields]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function showManager({ manager, operation, apiVersion, subresource }: Conflict): string {
  const within = subresource === undefined ? '' : ` with subresource "${subresource}"`;
  return `"${manager}"${within}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}
