/** The tables of docs/api.md, made from the endpoints and their fields. Run as a program it writes them there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Deps } from '../../server/deps.ts'
import { allEndpoints } from '../../server/http/endpoints.ts'
import { openApiPath } from '../../server/http/openapi.ts'
import { cascadeFields } from '../../server/http/erase-asked.ts'
import { listFields, retrieveFields } from '../../server/http/stored.ts'
import { chatFields, messageFields } from '../../server/openai/chat-schema.ts'
import {
  addItemsFields,
  changeConversationFields,
  conversationItemsFields,
  conversationListFields,
  createConversationFields,
} from '../../server/openai/conversations-schema.ts'
import { completionFields } from '../../server/openai/completions-schema.ts'
import { embeddingFields } from '../../server/openai/embeddings-schema.ts'
import { episodeFields } from '../../server/openai/episodes-schema.ts'
import { fileSearchFields } from '../../server/openai/tools-schema.ts'
import type { Fields } from '../../server/openai/field.ts'
import { listFileFields, uploadFields } from '../../server/openai/files-schema.ts'
import {
  addFields,
  changeFields,
  deleteFields,
  eraseFields,
  listMemoryFields,
  searchFields,
} from '../../server/openai/memories-schema.ts'
import {
  attachFileFields,
  createBatchFields,
  createStoreFields,
  listStoreFields,
  listStoreFileFields,
  searchStoreFields,
  updateFileFields,
  updateStoreFields,
} from '../../server/openai/vector-stores-schema.ts'
import {
  createMemoryStoreFields,
  createStoreMemoryFields,
  deleteStoreMemoryFields,
  listMemoryStoreFields,
  listStoreMemoryFields,
  listVersionFields,
  updateMemoryStoreFields,
  updateStoreMemoryFields,
} from '../../server/openai/memory-stores-schema.ts'
import { httpFields, messageItemFields, otherItemFields, socketFields } from '../../server/openai/responses-schema.ts'

const document = new URL('../../docs/api.md', import.meta.url)

/** Name to markdown. */
export function apiTables(): Record<string, string> {
  return {
    endpoints: endpointTable(),
    chat: fieldTable(chatFields),
    messages: fieldTable(messageFields),
    completions: fieldTable(completionFields),
    embeddings: fieldTable(embeddingFields),
    responses: fieldTable(httpFields),
    items: fieldTable(messageItemFields),
    'other items': fieldTable(otherItemFields),
    // What a WebSocket has besides, or otherwise.
    socket: fieldTable(
      Object.fromEntries(
        Object.entries(socketFields).filter(([name, field]) => field !== (httpFields as Fields)[name]),
      ),
    ),
    'add memories': fieldTable(addFields),
    'search memories': fieldTable(searchFields),
    'change memory': fieldTable(changeFields),
    'list memories': fieldTable(listMemoryFields),
    'delete memory': fieldTable(eraseFields),
    'delete memories': fieldTable(deleteFields),
    'delete responses': fieldTable(cascadeFields),
    'search episodes': fieldTable(episodeFields),
    'file search': fieldTable(fileSearchFields),
    'upload file': fieldTable(uploadFields),
    'list files': fieldTable(listFileFields),
    'create vector store': fieldTable(createStoreFields),
    'update vector store': fieldTable(updateStoreFields),
    'list vector stores': fieldTable(listStoreFields),
    'search vector store': fieldTable(searchStoreFields),
    'attach file': fieldTable(attachFileFields),
    'update attached file': fieldTable(updateFileFields),
    'list attached files': fieldTable(listStoreFileFields),
    'create file batch': fieldTable(createBatchFields),
    'create memory store': fieldTable(createMemoryStoreFields),
    'update memory store': fieldTable(updateMemoryStoreFields),
    'list memory stores': fieldTable(listMemoryStoreFields),
    'create store memory': fieldTable(createStoreMemoryFields),
    'update store memory': fieldTable(updateStoreMemoryFields),
    'list store memories': fieldTable(listStoreMemoryFields),
    'delete store memory': fieldTable(deleteStoreMemoryFields),
    'list versions': fieldTable(listVersionFields),
    'create a conversation': fieldTable(createConversationFields),
    'change a conversation': fieldTable(changeConversationFields),
    'add items': fieldTable(addItemsFields),
    'conversation items': fieldTable(conversationItemsFields),
    'list conversations': fieldTable(conversationListFields),
    retrieve: fieldTable(retrieveFields),
    list: fieldTable(listFields),
  }
}

function endpointTable(): string {
  const rows = allEndpoints({} as Deps).map((endpoint) => {
    const { method, access, summary } = endpoint
    return `| \`${method} ${openApiPath(endpoint)}\` | ${access === 'public' ? 'none' : access} | ${summary} |`
  })
  return ['| endpoint | scope of the key | what it does |', '| --- | --- | --- |', ...rows].join('\n')
}

function fieldTable(fields: Fields): string {
  const rows = Object.entries(fields).map(
    ([name, { effect, about }]) => `| ${name.startsWith('(') ? name : `\`${name}\``} | ${effect} | ${about} |`,
  )
  return ['| field | here | |', '| --- | --- | --- |', ...rows].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let text = readFileSync(document, 'utf8')
  for (const [name, table] of Object.entries(apiTables())) {
    const place = new RegExp(`<!-- ${name} -->[\\s\\S]*?<!-- end -->`)
    if (!place.test(text)) throw new Error(`docs/api.md: expected <!-- ${name} --> and <!-- end -->`)
    text = text.replace(place, () => `<!-- ${name} -->\n\n${table}\n\n<!-- end -->`)
  }
  writeFileSync(document, text)
}
