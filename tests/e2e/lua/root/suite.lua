-- What a script finds in a guest: its modules, files, the system, strings and coroutines. A line for each claim.
local module = require("module")

local number = 0
local function claim(what, holds)
    number = number + 1
    print((holds and "ok " or "not ok ") .. number .. " - " .. what)
end

claim("require finds a module beside the script", module.double(21) == 42 and package.loaded.module == module)
claim("a missing module is an error that names it", select(2, pcall(require, "nowhere")):find("module 'nowhere' not found", 1, true))

local file = assert(io.open("/tmp/file", "w"))
file:write("one\n", 2, "\n", 3.5, "\nrest")
claim("a file tells where it is", file:seek() == 14)
file:close()
local lines = {}
for line in io.lines("/tmp/file") do lines[#lines + 1] = line end
claim("lines come back", table.concat(lines, ",") == "one,2,3.5,rest")
file = io.open("/tmp/file")
claim("formats of read", file:read("l") == "one" and file:read("n") == 2 and file:read("n") == 3.5 and file:read("a") == "\nrest"
    and file:read("l") == nil)
file:seek("set", 1)
claim("seek", file:read(2) == "ne")
file:close()
claim("rename", os.rename("/tmp/file", "/tmp/other") and not io.open("/tmp/file") and io.open("/tmp/other"))
claim("remove", os.remove("/tmp/other") and select(2, os.remove("/tmp/other")) == "/tmp/other: No such file or directory")
claim("a file that is not there is an error, not a crash", select(3, io.open("/nowhere/file", "w")) == 2)
local large = assert(io.open(os.tmpname(), "w+"))
large:write(string.rep("x", 100000), "y")
large:seek("end", -2)
claim("a tmpname, and 100 kB in it", large:read("a") == "xy" and large:seek("end") == 100001)
large:close()

claim("the environment", os.getenv("GREETING") == "hello" and os.getenv("NOTHING") == nil)
claim("the time is of this century", os.time() > 1700000000 and os.date("!%Y-%m-%d", 86400) == "1970-01-02")
local start = os.clock()
for _ = 1, 200000 do end
claim("work takes time", os.clock() > start)
claim("there are no other processes", not pcall(function() return assert(io.popen("true")) end))

claim("patterns", ("key = value"):match("^(%w+)%s*=%s*(%w+)$") == "key" and ("abc"):gsub("%w", "%0%0") == "aabbcc")
claim("numbers as text", string.format("%5.2f|%-5d|%x|%q|%g", math.pi, 42, 255, 1 / 3, 1e100) == " 3.14|42   |ff|0x1.5555555555555p-2|1e+100")
claim("integers wrap, floats do not", math.maxinteger + 1 == math.mininteger and math.maxinteger + 1.0 == 2 ^ 63)
claim("pack and unpack", select(2, string.unpack("<i4 z", string.pack("<i4 z", -2, "text"))) == "text")
claim("UTF-8", utf8.len("grüß") == 4 and utf8.char(8364) == "€")
claim("sort of 10,000", (function()
    local list = {}
    for i = 1, 10000 do list[i] = (i * 7919) % 10007 end
    table.sort(list)
    for i = 2, #list do if list[i - 1] > list[i] then return false end end
    return true
end)())

local function numbers(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local sum = 0
for i in numbers(1000) do sum = sum + i end
claim("coroutines", sum == 500500)
claim("10,000 coroutines at once", (function()
    local all = {}
    for i = 1, 10000 do all[i] = coroutine.create(function(a) return a + coroutine.yield(a) end) end
    for i = 1, 10000 do coroutine.resume(all[i], i) end
    for i = 1, 10000 do if select(2, coroutine.resume(all[i], 1)) ~= i + 1 then return false end end
    return true
end)())
claim("an error in one is caught with its place", select(2, coroutine.resume(coroutine.create(function() error("oops") end)))
    :match("suite.lua:%d+: oops"))
-- In 16 MB; with more it is a "stack overflow" at 200,000 calls.
claim("deep recursion is an error of Lua's", select(2, pcall(function() local function f() return 1 + f() end return f() end))
    == "not enough memory")
claim("no memory is an error of Lua's", select(2, pcall(string.rep, "x", 1 << 27)) == "not enough memory")
local weak = setmetatable({}, {__mode = "k"})
for _ = 1, 1000 do weak[{}] = true end
collectgarbage()
claim("garbage is collected", next(weak) == nil)
claim("the arguments", arg[0] == "/suite.lua" and arg[1] == "two words" and #arg == 1)
print("1.." .. number)
