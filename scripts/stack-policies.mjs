// Writes the policies of deploy/iam into the CloudFormation template, between the comments that name them, so that there is one text
// of each. `--check` writes nothing and fails when they are not what the files say.
import { readFileSync, writeFileSync } from 'node:fs';
import { dump } from 'js-yaml';

const template = new URL('../deploy/cloudformation/bastion-operator.yaml', import.meta.url);

/** The partition is the stack's own. */
function render(document, indent) {
  const text = dump({ PolicyDocument: document }, { lineWidth: -1, noRefs: true, forceQuotes: true });
  const portable = text.replace(/'arn:aws:(.*)'$/gm, `!Sub "arn:\${AWS::Partition}:$1"`);
  return portable.replace(/^(?=.)/gm, indent).trimEnd();
}

const before = readFileSync(template, 'utf8');
const after = before.replace(/^( *)# begin (\S+\.json)\n[\s\S]*?^ *# end \2$/gm, (_all, indent, file) => {
  const document = JSON.parse(readFileSync(new URL(`../deploy/iam/${file}`, import.meta.url), 'utf8'));
  return `${indent}# begin ${file}\n${render(document, indent)}\n${indent}# end ${file}`;
});
if (!process.argv.includes('--check')) writeFileSync(template, after);
else if (after !== before) {
  console.error(
    'deploy/cloudformation/bastion-operator.yaml does not hold the policies of deploy/iam: run `npm run generate`',
  );
  process.exitCode = 1;
}
