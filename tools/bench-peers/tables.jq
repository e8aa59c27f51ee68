# SPDX-License-Identifier: BSD-2-Clause
# The lines of $tmp/runs -> medians of each subject and kind -> a table of each kind, as lines of
# tab-separated cells.
def median: map(numbers) | sort | if length == 0 then null
  elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# One of what is counted is a request, or a gigabyte.
def count: .requests // (.bytes / 1e9);
def spent: (.busy_us - .idle_us * .seconds / .idle_seconds) / count;

# A BPF program's time per request, which is from runs of its own.
def program_us($runs): [$runs[] | .run_ns / 1000 / count] | median;

def summary($all): .[0] as {$subject, $offloads, $kind}
  | [$all[] | select(.subject == $subject and .offloads == $offloads and .kind == $kind + "-program")] as $programs
  | { $subject, $offloads, $kind, rate: map(count / .seconds) | median, p50_us: map(.p50_us) | median,
      p99_us: map(.p99_us) | median, cpu_us: map(spent) | median,
      own_us: (map(.own_us | values) as $own | if $own == [] then null
               else (map(.own_us / count) | median) + (program_us($programs) // 0) end),
      errors: (map(.errors | to_entries[]) | group_by(.key)
               | map({key: .[0].key, value: map(.value) | add} | select(.value > 0)) | from_entries) };

def medians: . as $all | map(select(.kind | endswith("-program") | not))
  | group_by([.kind, .offloads, .subject]) | map(summary($all));

def fixed($digits): if . == null then "-" else
  (. * pow(10; $digits) | round | tostring) as $n | if $digits == 0 then $n else
  ($n | if startswith("-") then ["-", .[1:]] else ["", .] end) as [$sign, $abs]
  | (("0" * ([$digits + 1 - ($abs | length), 0] | max)) // "") + $abs
  | $sign + .[:-$digits] + "." + .[-$digits:] end end;
def ratio($to): if . == null or $to == null or $to == 0 then "-" else . / $to | fixed(2) end;

def cells($to): [.subject + (if .offloads == "on" then " (offloads)" else "" end)
    + (if .errors == {} then "" else " !" end)]
  + (if .kind == "file" then [.rate * 8 | fixed(2)] else [.rate | fixed(0)] end)
  + [.rate as $x | $to[] | . as $other | $x | ratio($other.rate)]
  + (if .kind == "file" then [] else [.p50_us, .p99_us | if . == null then . else . / 1000 end | fixed(2)] end)
  + (if .kind == "file" then [.cpu_us / 1e6 | fixed(3)] else [.cpu_us | fixed(1)] end)
  + [.cpu_us as $x | $to[] | . as $other | $x | ratio($other.cpu_us)]
  + [if .kind == "file" then .own_us | if . == null then . else . / 1e6 end | fixed(3)
     else .own_us | fixed(2) end];

def table($medians; $order; $kind): $medians | map(select(.kind == $kind)) as $rows
  | ("off", "on") as $offloads | $order[] as $subject
  | $rows[] | select(.subject == $subject and .offloads == $offloads)
  | cells(["nftables", "haproxy"] | map(. as $name | [$rows[] | select(.subject == $name and .offloads == $offloads)][0]))
  | @tsv;
