-- man.lua - a man page of each call in pool.h, and pool.h(3), which tells how they belong together.
--
--     pandoc -f markdown -t plain -M header=pool/pool.h -M out=FOLDER -M version=1.0.0 -L tools/book/man.lua /dev/null
--
-- The header's comments are Markdown with "@name", "@param", "@return" and "/**<" behind a member; pandoc reads it and
-- writes the pages. The errors that a call's parameters and return value name are a section of its page: what one means
-- stands behind it, "EBUSY or EINVAL (why)", "EAGAIN: why", or in the table at the beginning of pool.h. If it stands in
-- neither, that is a mistake. Exit status: 0, 1.

local MARKDOWN = 'markdown_strict+definition_lists+intraword_underscores'

local groups = {}   -- { title, text, and the names of its pages }
local pages = {}    -- by name: { synopsis, description, members, parameters, returns }
local meanings = {} -- of errors, from the table

-- --- Reading -------------------------------------------------------------------------------------------------

-- The text of a comment, without its frame.
local function unframed(comment) return (comment:gsub('\n %* ?', '\n'):gsub('^%s?', ''):gsub('%s+$', '') .. '\n') end

local function definition(name, text) return ('\n`%s`\n:   %s\n'):format(name, text:gsub('%s+', ' ')) end

-- A prototype in lines that fit a terminal of 80 columns.
local function wrapped(code)
    local done, line, indent = '', nil, (' '):rep(code:find('(', 1, true) or 0)
    for part in (code:gsub('%s+', ' ') .. ', '):gmatch('(.-), ') do
        if line and #line + #part > 70 then
            done, line = done .. line .. ',\n', indent .. part
        else
            line = line and line .. ', ' .. part or part
        end
    end
    return done .. line
end

local function read_declaration(comment, code)
    local name = code:match('^#define ([%w_]+)') or code:match('^%l+ ([%w_]+) {') or code:match('([%w_]+)%(')
    local group = groups[#groups]
    if not pages[name] then table.insert(group, name) end
    local it = pages[name] or { synopsis = '', description = '', members = '', parameters = '', returns = '' }
    pages[name] = it
    if code:find('^%l+ [%w_]+ {') then
        for member, text in code:gmatch('\n    ([^\n;,]+)[;,]?%s*/%*%*<(.-)%*/') do
            it.members = it.members .. definition(member, text)
        end
        code = code:gsub('%s*/%*%*<.-%*/', '')
    else
        code = wrapped(code:gsub('%s*__attribute__.*', ';'))
    end
    it.synopsis = it.synopsis .. code .. '\n\n'
    local returns
    comment, returns = (comment .. '@return '):match('^(.-)@return (.*)$')
    it.returns = it.returns .. returns:gsub('@return $', ''):gsub('^(%d+)%.', '%1\\.') -- no list
    comment = comment:gsub('@param +([%w_, ]-) +(%u[^@]*)', function(names, text)
        it.parameters = it.parameters .. definition(names, text)
        return ''
    end)
    it.description = it.description .. comment .. '\n'
end

-- Goes through the header, comment by comment.
local function read_header(header)
    header = header:gsub('\nstruct [%w_]+; */%*%*<.-%*/', '') -- only declared
    local at = 1
    while true do
        local _, last, comment = header:find('/%*%*\n?(.-)%*/\n', at)
        if not last then return end
        at = last + 1
        comment = unframed('\n' .. comment)
        local title, text = comment:match('@name ([^\n@]-) *@{(.*)')
        if title then
            table.insert(groups, { title = title, text = text })
        elseif comment:find('@file') then
            table.insert(groups, { title = 'pool.h', text = comment:gsub('@file[^\n]*\n', ''):gsub('@brief ', '') })
        elseif not comment:find('@}') then
            local code = header:match('^#[^\n]*', at) or header:match('^%l+ [%w_]+ {.-\n};', at)
            code = code or header:match('^.-;', at)
            read_declaration(comment, code)
            at = at + #code
        end
    end
end

-- --- Writing -------------------------------------------------------------------------------------------------

local function parse(text) return pandoc.read(text, MARKDOWN) end

local function plain(text) return pandoc.utils.stringify(parse(text)) end

local function brief(name)
    local text = plain((pages[name].description .. '\n'):match('^(.-)\n\n')):gsub('^(.-[^.]%.) [%u@`].*', '%1')
    return (text:gsub('([^.])%.$', '%1'))
end

-- The errors that a text names, and what they mean.
local function errors(name, text)
    local list, said = '', {}
    text = text:gsub('%s+', ' ')
    for error, after in text:gmatch('%f[%w](E%u%u%u+)()') do
        local rest = text:sub(after)
        while rest:find('^, E%u+') or rest:find('^ or E%u+') do rest = rest:gsub('^,? ?o?r? E%u+', '') end
        local brackets = rest:match('^ %b()') or ''
        local meaning = brackets:match('^ %(([^E].*)%)$') or rest:match('^: ([^.;]+)') or meanings[error]
        if not meaning then
            io.stderr:write('pool.h: ', name, '() may fail with ', error, ', which is explained nowhere\n')
            os.exit(1)
        end
        if not said[error] then list = list .. definition(error, meaning) end
        said[error] = true
    end
    return list
end

-- Code is bold, and a call that has a page is named as such.
local dress = {
    Code = function(it) return pandoc.Strong(it.text) end,
    Str = function(it)
        local before, name, behind = it.text:match('^(%p*)(pool_[%w_]+)%(%)(.*)$')
        if pages[name] then return { pandoc.Str(before), pandoc.Strong(name), pandoc.Str('(3)' .. behind) } end
    end,
}

-- Sections: a list of titles and texts; those without a text are left out.
local function write(out, version, name, sections)
    local text = ''
    for i = 1, #sections, 2 do
        if sections[i + 1]:find('%S') then text = text .. '\n# ' .. sections[i] .. '\n\n' .. sections[i + 1] .. '\n' end
    end
    local roff = pandoc.write(parse(text):walk(dress), 'man'):gsub('\\f%[C%]\n', ''):gsub('\\f%[R%]\n%.fi', '.fi')
    roff = roff:gsub('%.IP\n%.nf', '.PP\n.nf', 1):gsub(' %- ', ' \\- ', 1) -- synopsis and name, as is usual
    local file = assert(io.open(out .. '/' .. name .. '.3', 'w'))
    file:write(('.TH %s 3 "" "Many Hands %s" "Process pools"\n'):format(name, version))
    file:write('.ad l\n.nh\n.ss 12 0\n', roff, '\n') -- neither spread nor hyphenated, one space after a sentence
    file:close()
end

local function synopsis(code) return (('#include <pool.h>\n\n' .. code):gsub('[^\n]+', '    %0')) end

function Pandoc(doc)
    local out, version = pandoc.utils.stringify(doc.meta.out), pandoc.utils.stringify(doc.meta.version)
    local file = assert(io.open(pandoc.utils.stringify(doc.meta.header)))
    read_header(file:read('a'))
    file:close()
    for line in groups[1].text:gmatch('\n    (E%u+ [^\n]*)') do
        for error, meaning in (line .. '  '):gmatch('(E%u+) +(.-)  ') do meanings[error] = meaning end
    end
    local calls = ''
    for i, group in ipairs(groups) do
        calls = calls .. (i > 1 and '\n## ' .. group.title .. '\n\n' .. group.text or '')
        for j, name in ipairs(group) do
            local it = pages[name]
            calls = calls .. definition(name .. '(3)', brief(name))
            local others = ('pool.h(3), ' .. table.concat(group, '(3), ') .. '(3)'):gsub(', ' .. name .. '%(3%)', '')
            write(out, version, name, {
                'NAME', name .. ' - ' .. brief(name), 'SYNOPSIS', synopsis(it.synopsis), 'DESCRIPTION', it.description,
                'MEMBERS', it.members, 'PARAMETERS', it.parameters, 'RETURN VALUE', it.returns,
                'ERRORS', errors(name, it.parameters .. it.returns),
                'SEE ALSO', others,
            })
        end
    end
    write(out, version, 'pool.h', { 'NAME', 'pool.h - process pools in C', 'SYNOPSIS', synopsis(''),
        'DESCRIPTION', groups[1].text, 'CALLS', calls })
    return pandoc.Pandoc({})
end
