# Training and held-out rows of the model with exits, GSM8K as chats, HumanEval's code, The Wizard of Oz, and held-out text of each:
# python3 data.py ../shared/data FOLDER
import gzip
import json
import os
import random
import sys

source, folder = sys.argv[1:]


def chat(row):
    return {'messages': [{'role': 'user', 'content': row['question']}, {'role': 'assistant', 'content': row['answer']}]}


def rendered(row):
    return ''.join(f"<|{m['role']}|>{m['content']}<|end|>" for m in row['messages'])


gsm = [chat(json.loads(line)) for line in open(os.path.join(source, 'gsm8k-train.jsonl'))]
with gzip.open(os.path.join(source, 'humaneval.jsonl.gz'), 'rt') as file:
    code = [{'text': one['prompt'] + one['canonical_solution']} for one in map(json.loads, file)]
story, now = [], ''
for line in open(os.path.join(source, 'wizard-of-oz.txt')):
    now += line
    if len(now) > 2000:
        story.append({'text': now.strip()})
        now = ''
cut = int(len(story) * 0.92)
rows = gsm[:1500] + code[:148] + story[:cut]
held = {'chat': gsm[7400:7450], 'code': code[148:], 'story': story[cut:]}
random.seed(1)
random.shuffle(rows)
for name, what in [('train', rows), ('held', sum(held.values(), []))]:
    with open(os.path.join(folder, f'{name}.jsonl'), 'w') as out:
        out.writelines(json.dumps(row) + '\n' for row in what)
for name, what in held.items():
    with open(os.path.join(folder, f'held-{name}.txt'), 'w') as out:
        out.write('\n'.join(row['text'] if 'text' in row else rendered(row) for row in what)[:20000])
