import { DEFAULT_SCALAR_STYLE_RULES, dump, SCALAR_STYLE } from 'js-yaml';
import { visible } from './text.ts';

type ScalarStyleRule = (typeof DEFAULT_SCALAR_STYLE_RULES)[keyof typeof DEFAULT_SCALAR_STYLE_RULES];

/** Left to itself js-yaml escapes controls, and writes the marks of bidirectional writing as they are. Only double quotes have escapes. */
const quoteUnseen: ScalarStyleRule = (layout) => {
  const { value } = layout.node;
  if (visible(value) !== value) layout.style = SCALAR_STYLE.DOUBLE_QUOTED;
};

/** YAML in kubectl's layout, which says what `value` says and steers no terminal. */
export function formatYaml(value: unknown): string {
  const scalarStyleRules = [...Object.values(DEFAULT_SCALAR_STYLE_RULES), quoteUnseen];
  return visible(dump(value, { noRefs: true, lineWidth: -1, seqNoIndent: true, scalarStyleRules }));
}
