import { openReader } from './tests/support/bundled-reader.ts'
import { replaces } from './server/memory/recall/replaces.ts'
import { readQuestion } from './server/memory/recall/question.ts'
import { isGivenName } from './server/memory/recall/names.ts'
import { bundledMemory } from './tests/support/bundled-memory.ts'
import { MemoryHistory } from './tests/support/memory-history.ts'
const {reader}=await openReader()
const cases=[["what phone do i have?","my phone's a pixel 7 w a cracked screen, gettin it fixed friday at timpsons","nan's 80th is on sat, i'm making her a lemon drizzle"],["what cake am i making for nan?","nan's 80th is on sat, i'm making her a lemon drizzle","actually it's a carrot cake"],["what subject does my brother do?","my little brother jonah is at uni in glasgow doing marine biology","not marine biology, jonah does zoology"]]
for (const [q,a,b] of cases){ const [r]=await reader.read('x',[{first:a!,second:b!},{first:q!,second:a!},{first:q!,second:`${b} (before: ${a})`}])
 const [,x,y]=await reader.read('x',[{first:a!,second:b!},{first:q!,second:a!},{first:q!,second:`${b} (before: ${a})`}])
 for (const isNext of [true,false]) {
 const next={text:b!,before:'',isNext,similarity:{said:.3,asked:.3},read:r!.replaces}
 console.log(q,'|',b,isNext,r!.replaces.toFixed(2),replaces(readQuestion(q!,true)!,a!,next).toFixed(3),'answers',x!.answers.toFixed(2),y!.answers.toFixed(2))}
}
console.log(['callum','priya','saoirse','jonah','okafor','biscuit','mungo','linda','august','where','what','work','does'].map(w=>w+isGivenName(w)).join(' '))
const b=await bundledMemory(); const h=new MemoryHistory(b)
for (const m of ["my phone's a pixel 7 w a cracked screen, gettin it fixed friday at timpsons","nan's 80th is on sat, i'm making her a lemon drizzle","actually it's a carrot cake","my little brother jonah is at uni in glasgow doing marine biology","not marine biology, jonah does zoology","my shifts are tues to sat, 8 til 6.30","ugh its monday","thats great thanks","small correction: callum's birthday is 8 november"]) { const t=await h.say(m,'u','c'); console.log(m,'| written',t.written.map(w=>[w.text,w.fact]),'ended',t.ended.map(w=>w.text)) }
for (const q of ["what phone do i have?","when is my phone being fixed?","what cake am i making for nan?","what subject does my brother do?","what days do i work?","when is my birthday?"]) console.log(q,'=>',(await h.ask(q,true,'u')).text)
await h.close(); b.close(); process.exit()
