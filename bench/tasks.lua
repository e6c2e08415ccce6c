-- A wrk script: requests for random tasks of the data set in dataset_test.go.
-- Arguments: the workload, the number of tasks, and optionally a file with one
-- token for each user.
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

local workload, tasks, tokens

function init(args)
  workload, tasks, tokens = args[1], tonumber(args[2]), {}
  if args[3] then
    for line in io.lines(args[3]) do tokens[#tokens + 1] = "Bearer " .. line end
  end
  math.randomseed(os.time() * 100 + number)
  for _ = 1, 10 do math.random() end
end

local mix = { list = 60, get = 20, create = 10, toggle = 10 }

local function pick()
  if workload ~= "mixed" then return workload end
  local n = math.random(100)
  for name, share in pairs(mix) do
    n = n - share
    if n <= 0 then return name end
  end
end

function request()
  local task = math.random(0, tasks - 1)
  local user = math.floor(task / 100)
  local path = "/api/user-" .. user .. "/tasks"
  local one = string.format("%s/019a4e6f-1b2c-7d3e-8f40-%.0f", path, 100000000000 + task)
  local what = pick()
  local headers = what == "create" and { ["Content-Type"] = "application/json" } or {}
  headers.Authorization = tokens[user + 1]
  if what == "get" then return wrk.format("GET", one, headers) end
  if what == "list" then return wrk.format("GET", path .. "?limit=50", headers) end
  if what == "create" then return wrk.format("POST", path, headers, '{"title":"Write the report","description":"Two pages, by Friday."}') end
  if what == "toggle" then return wrk.format("PATCH", one .. "/complete", headers) end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"rate":%f,"p50":%f,"p99":%f,"errors":%d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
