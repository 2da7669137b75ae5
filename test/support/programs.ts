/** Everyday programs at work, as scripts that run on any root: what they need, what they do, and what they print. */

import { spawnSync } from 'node:child_process';

/** Whether a root directory of the host has a program, or with `program:module` a module of an interpreter. */
export function hasProgram(root: string, need: string): boolean {
  const [program, module] = need.split(':');
  const script = module === undefined ? `command -v ${program}` : `${program} -c 'import ${module}'`;
  const [command, ...args] = root === '/' ? ['/bin/sh'] : ['chroot', root, '/bin/sh'];
  return spawnSync(command, [...args, '-c', script]).status === 0;
}

export interface Job {
  readonly name: string;
  /** The programs without which it cannot run. */
  readonly needs: readonly string[];
  /** It works on files of the system that only root can read. */
  readonly privileged?: boolean;
  /** For bash -e, in an empty directory. */
  readonly script: string;
  readonly output: string;
}

export const jobs: readonly Job[] = [
  {
    name: 'bash: functions, arrays, arithmetic, here documents, substitution, traps and jobs',
    needs: ['bash'],
    script: `
      double() { echo $(( $1 * 2 )); }
      list=(one two "three four"); echo \${#list[@]} "\${list[2]}" $(double 21)
      cat <<END | while read -r line; do echo "<$line>"; done
first
second
END
      diff <(echo a) <(echo a) && echo same
      declare -A map=([k]=v); echo \${map[k]} \${list[0]^^}
      (trap 'echo trapped' EXIT; exit 3) || echo status $?
      for i in 1 2 3; do (exit $i) & pids[$i]=$!; done
      for i in 3 2 1; do s=0; wait \${pids[$i]} || s=$?; echo job $s; done`,
    output: '3 three four 42\n<first>\n<second>\nsame\nv ONE\ntrapped\nstatus 3\njob 3\njob 2\njob 1\n',
  },
  {
    name: 'coreutils in pipelines',
    needs: ['bash', 'seq', 'sort', 'sha256sum', 'xargs', 'find'],
    script: `
      seq 1 50000 | shuf --random-source=<(yes) | sort -n | uniq | md5sum | cut -c 1-8
      printf 'b 2\\na 1\\nc 3\\n' | sort | tr a-z A-Z | paste -sd, -
      mkdir -p d/{1..5}; for i in d/*; do echo $i > $i/f; done
      find d -type f | sort | xargs cat | wc -l
      head -c 1000000 /dev/zero | sha256sum | cut -c 1-8
      cp -a d e && diff -r d e && mv e f && rm -r f && ls | wc -l
      echo text | tee x | tac; ln -s x l; readlink l; stat -c %s x; yes | head -n 3 | wc -c`,
    output: 'c1d4ba52\nA 1,B 2,C 3\n5\nd29751f2\n1\ntext\nx\n5\n6\n',
  },
  {
    name: 'sed and awk',
    needs: ['sed', 'awk'],
    script: `
      echo abc | sed s/b/x/
      printf '1\\n2\\n3\\n' > n; sed -i '2d;$s/$/!/' n; cat n
      seq 10 | awk '{ s += $1 } END { print s, NR }'
      printf 'k=1\\nk=2\\nj=5\\n' | awk -F= '{ t[$1] += $2 } END { print t["k"], t["j"]; "echo sub" | getline x; print x }'`,
    output: 'axc\n1\n3!\n55 10\n3 5\nsub\n',
  },
  {
    name: 'tar with gzip',
    needs: ['tar', 'gzip'],
    script: `
      mkdir -p d/sub && echo x > d/f && chmod 640 d/f && ln d/f d/hard && ln -s f d/soft && seq 100000 > d/sub/big
      tar czf d.tgz d && rm -r d && tar xzf d.tgz
      stat -c '%a %h' d/f; readlink d/soft; tail -n 1 d/sub/big; tar tzf d.tgz | wc -l; gzip -t d.tgz`,
    output: '640 2\nf\n100000\n6\n',
  },
  {
    name: 'perl: regular expressions, files, fork and pipes',
    needs: ['perl'],
    script: `
      perl -e 'print join(",", map { $_ * 2 } 1..5), "\\n"'
      perl -e 'pipe(my $r, my $w); my $p = fork // die; if (!$p) { close $r; print $w "from child\\n"; exit 4 }
        close $w; print <$r>; waitpid $p, 0; print $? >> 8, "\\n"; $SIG{ALRM} = sub { print "alarm\\n"; exit }; alarm 1; sleep 5'
      echo "a1b22" | perl -pe 's/(\\d+)/<$1>/g'`,
    output: '2,4,6,8,10\nfrom child\n4\nalarm\na<1>b<22>\n',
  },
  {
    name: 'python: threads and subprocesses',
    needs: ['python3'],
    script: `
      cat > t.py <<'P'
import subprocess, threading
r = []
t = [threading.Thread(target=r.append, args=(i,)) for i in range(8)]
[x.start() for x in t]; [x.join() for x in t]
print(sorted(r), subprocess.check_output(["echo", "sub"], text=True).strip())
lock, total = threading.Lock(), 0
def add():
    global total
    for _ in range(2000):
        with lock: total += 1
t = [threading.Thread(target=add) for _ in range(8)]
[x.start() for x in t]; [x.join() for x in t]
print(total)
p = subprocess.Popen(["sort"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
print(p.communicate("b\\na\\n")[0].split(), p.returncode)
try: subprocess.run(["sleep", "9"], timeout=0.2)
except subprocess.TimeoutExpired: print("timed out")
P
      python3 t.py`,
    output: "[0, 1, 2, 3, 4, 5, 6, 7] sub\n16000\n['a', 'b'] 0\ntimed out\n",
  },
  {
    name: 'python: multiprocessing and asyncio',
    needs: ['python3', 'python3:multiprocessing', 'python3:asyncio'],
    script: `
      cat > m.py <<'P'
import asyncio, multiprocessing
def square(n): return n * n
async def main():
    async def one(n):
        await asyncio.sleep(0.01); return n
    print(sum(await asyncio.gather(*[one(n) for n in range(50)])))
    p = await asyncio.create_subprocess_exec("echo", "async", stdout=asyncio.subprocess.PIPE)
    print((await p.communicate())[0].decode().strip())
if __name__ == "__main__":
    with multiprocessing.Pool(4) as pool: print(pool.map(square, range(10)))
    q = multiprocessing.Queue(); p = multiprocessing.Process(target=q.put, args=("queued",)); p.start(); print(q.get()); p.join()
    asyncio.run(main())
P
      python3 m.py`,
    output: '[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]\nqueued\n1225\nasync\n',
  },
  {
    name: 'gcc and make: a program with threads and a library of its own',
    needs: ['gcc', 'make', 'ar'],
    script: `
      printf '#include <stdio.h>\\n#include <pthread.h>\\nint answer(void);\\nstatic void *run(void *p) { *(int *)p = answer(); return p; }\\nint main(void) { pthread_t t; int n = 0; pthread_create(&t, 0, run, &n); pthread_join(t, 0); printf("made here: %%d\\\\n", n); }\\n' > main.c
      printf 'int answer(void) { return 42; }\\n' > answer.c
      printf 'main: main.o libanswer.a\\n\\tgcc -pthread -o main main.o -L. -lanswer\\nlibanswer.a: answer.o\\n\\tar rc $@ $<\\n%%.o: %%.c\\n\\tgcc -O2 -c $<\\n' > Makefile
      make -s -j2 && ./main && make -q && echo up to date`,
    output: 'made here: 42\nup to date\n',
  },
  {
    name: 'git: init, commit, clone, branch and merge',
    needs: ['git'],
    script: `
      export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
      git init -q a && cd a && git checkout -q -b main && git config user.email a@example.org && git config user.name A
      for i in $(seq 100); do echo $i > $i; done
      git add . && git commit -qm first && git status --short && cd .. && git clone -q a b && ls b | wc -l
      cd b && git config user.email b@example.org && git config user.name B
      git checkout -q -b other && echo x > 1 && git commit -qam other && git checkout -q main && echo y > 2 && git commit -qam mine
      git merge -q -m merged other && cat 1 2 && git log --oneline | wc -l && git gc -q && git fsck 2>&1 | wc -l`,
    output: '100\nx\ny\n4\n0\n',
  },
  {
    name: 'sqlite3: transactions, an index, two processes at one file',
    needs: ['sqlite3'],
    script: `
      sqlite3 t.db 'create table t(a integer, b text); create index i on t(a); begin;
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into t select i, hex(i) from n; commit;
        select count(*), sum(a) from t; pragma integrity_check;'
      sqlite3 t.db 'pragma journal_mode=wal' && for i in 1 2; do sqlite3 -cmd '.timeout 20000' t.db "insert into t values($i, 'more')" & done; wait
      sqlite3 t.db "select count(*) from t where b = 'more'"`,
    output: '5000|12502500\nok\nwal\n2\n',
  },
  {
    name: 'dpkg: installs, lists and removes a package of our own',
    needs: ['dpkg', 'dpkg-deb'],
    privileged: true,
    script: `
      mkdir -p p/DEBIAN p/usr/share/trial && echo trial > p/usr/share/trial/file
      printf 'Package: trial\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@example.org>\\nDescription: trial\\n' > p/DEBIAN/control
      dpkg-deb --root-owner-group -b p trial.deb > /dev/null
      dpkg -i trial.deb > /dev/null 2>&1 && cat /usr/share/trial/file && dpkg -s trial | grep Status
      dpkg -P trial > /dev/null 2>&1; ls /usr/share/trial 2>/dev/null || echo gone`,
    output: 'trial\nStatus: install ok installed\ngone\n',
  },
  {
    name: 'node: files, child processes, worker threads, HTTP on a unix socket',
    needs: ['node'],
    script: `
      cat > t.cjs <<'J'
const fs = require('fs'), cp = require('child_process'), http = require('http'), { Worker } = require('worker_threads');
fs.mkdirSync('n/m', { recursive: true }); fs.writeFileSync('n/m/f', 'x'.repeat(100000)); fs.copyFileSync('n/m/f', 'n/g');
console.log(fs.readFileSync('n/g').length, fs.readdirSync('n').join());
console.log(cp.execFileSync('echo', ['child'], { encoding: 'utf8' }).trim(), cp.spawnSync('sh', ['-c', 'exit 9']).status);
const worker = new Worker('const { parentPort } = require("worker_threads"); let s = 0; for (let i = 0; i < 1e6; i++) s += i; parentPort.postMessage(s)', { eval: true });
worker.on('message', (sum) => {
  console.log('worker', sum);
  const server = http.createServer((q, a) => a.end('served ' + q.url)).listen('sock', () =>
    http.get({ socketPath: 'sock', path: '/x' }, (r) => r.on('data', (d) => console.log(String(d))).on('end', () => server.close())));
});
J
      node t.cjs`,
    output: '100000 g,m\nchild 9\nworker 499999500000\nserved /x\n',
  },
];
