-- pages.lua - book.md as pages, one for each chapter: a pandoc filter that writes them itself.
--
--     pandoc -f gfm -t plain -o /dev/null -M out=build/book -L tools/book/pages.lua book.md
--
-- A page begins at each "## ", but what stands before the first chapter is one page, index.html. Beside them: a page of
-- each file of the repository that is linked to, the pictures, and the index for the search. Links are led to the right
-- page; calls (`pool_map`) to the reference, functions named beside a link to their file to their line in it.
--
-- What a link leads to may be missing, or a picture: then it stays as it is written, and links.awk will find it.

local REFERENCE = '../reference/' -- as seen from a page
local out                         -- the folder of the pages
local stringify = pandoc.utils.stringify

-- --- Files --------------------------------------------------------------------------------------------------

local function read(name)
    local file = io.open(name, 'rb')
    local all = file and file:read('a')
    if file then file:close() end
    return all
end

local function write(name, all)
    local file = assert(io.open(out .. '/' .. name, 'wb'))
    assert(file:write(all))
    assert(file:close())
end

local function escape(text)
    return (text:gsub('[&<>"]', { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }))
end

-- --- The reference: where a call is described -------------------------------------------------------------

local calls = {} -- address of a function, constant, type; of "struct NAME"

local function read_tags()
    local tags = read(out .. '/' .. REFERENCE .. 'pool.tag') or ''
    for kind, compound in tags:gmatch('<compound kind="(%w+)">(.-)</compound>') do
        local name = compound:match('<name>(.-)</name>')
        local file, anchor = compound:match('<filename>(.-)</filename>%s*<anchor>(.-)</anchor>')
        if kind == 'struct' and file then calls['struct ' .. name] = REFERENCE .. file .. '#' .. anchor end
        for kind, member in compound:gmatch('<member kind="(%w+)">(.-)</member>') do
            local name = member:match('<name>(.-)</name>')
            local file, anchor = member:match('<anchorfile>(.-)</anchorfile>%s*<anchor>(.-)</anchor>')
            if kind ~= 'variable' then calls[name] = REFERENCE .. file .. '#' .. anchor end
        end
        for file, anchor, name in compound:gmatch('<enumvalue file="(.-)" anchor="(.-)">(.-)</enumvalue>') do
            calls[name] = REFERENCE .. file .. '#' .. anchor
        end
    end
end

-- --- Pages of files ---------------------------------------------------------------------------------------

local LANGUAGES = { c = 'c', h = 'c', sh = 'bash', bats = 'bash', bash = 'bash', awk = 'awk', md = 'markdown' }

local sources = {} -- PATH = { page, lines, folder }; and a list of the paths

-- The page of a file of the repository, or of a folder: its lines are its files. Nil if there is none.
local function source(path)
    path = path:gsub('/$', '')
    if sources[path] ~= nil then return sources[path] end
    local all = read(path)
    local folder = not all
    if folder then
        local list = io.popen("ls -p -- '" .. path:gsub("'", "'\\''") .. "' 2>/dev/null | grep -v /")
        all = list:read('a')
        list:close()
    end
    if all == '' then
        sources[path] = false
        return nil
    end
    local it = { page = path:gsub('/', '-') .. '.html', lines = {}, folder = folder }
    for line in (all:gsub('\n$', '') .. '\n'):gmatch('([^\n]*)\n') do table.insert(it.lines, line) end
    sources[path] = it
    table.insert(sources, path)
    return it
end

-- The line in which a C file defines a function.
local function line_of_function(it, name)
    for number, line in ipairs(it.lines) do
        if line:find('^%a.*%f[%w_]' .. name .. '%(') and not line:find(';%s*$') then return number end
    end
end

local function line_of_region(it, region)
    for number, line in ipairs(it.lines) do
        if line:find('[' .. region .. ']', 1, true) then return number end
    end
end

local function at_line(it, number)
    return it.page .. (number and '#line-' .. number or '')
end

-- --- Where the pages begin --------------------------------------------------------------------------------

local pages = {}    -- { file, title, blocks }; a chapter's also number, slug, part
local page_of = {}  -- the page in which an anchor is
local chapters = {} -- by number
local parts = {}    -- the part of the book that begins with the chapter of this anchor

local function new_page(header)
    local title = stringify(header)
    local number, slug = title:match('^Chapter (%d+): (%S+)$')
    local page = { title = title, blocks = pandoc.List(), part = parts[header.identifier] }
    if number then
        page.file = ('ch%02d-%s.html'):format(tonumber(number), slug)
        page.number, page.slug = number, slug
        chapters[number] = page
    else
        page.file = header.identifier .. '.html'
    end
    table.insert(pages, page)
    return page
end

-- The table of contents in the front part tells which parts the book has: | I. Using a pool | [1 ...](#chapter-1-...) |
local function find_parts(blocks)
    pandoc.Pandoc(blocks):walk({
        Table = function(it)
            for _, row in ipairs(it.bodies[1].body) do
                local cells = row.cells
                local part, first = stringify(cells[1].contents), nil
                pandoc.Pandoc(cells[#cells].contents):walk({
                    Link = function(link)
                        first = first or link.target:match('^#(chapter%-%d+.*)')
                    end,
                })
                if first and part ~= '' then parts[first] = part end
            end
        end,
    })
end

local function split(blocks)
    local page = { file = 'index.html', title = 'Many Hands', blocks = pandoc.List() }
    table.insert(pages, page)
    for _, block in ipairs(blocks) do
        if block.t == 'Header' and block.level <= 2 and (#pages > 1 or stringify(block):find('^Chapter %d+: ')) then
            if #pages == 1 then find_parts(page.blocks) end
            page = new_page(block)
        end
        if block.t == 'Header' and #pages > 1 then block.level = math.max(1, block.level - 1) end
        page.blocks:insert(block)
    end
    for _, page in ipairs(pages) do
        local function anchor(raw)
            for id in raw.text:gmatch('%s[in][da]m?e?="([^"]+)"') do page_of[id] = page end
        end
        pandoc.Pandoc(page.blocks):walk({
            Header = function(header) page_of[header.identifier] = page end,
            RawInline = anchor,
            RawBlock = anchor,
        })
    end
end

-- --- Links and pictures -----------------------------------------------------------------------------------

local here -- the page that is being made

local function resolve_anchor(id)
    local page = page_of[id]
    if not page then return '#' .. id end
    if page.blocks[1].identifier == id and page ~= here then return page.file end
    return (page == here and '' or page.file) .. '#' .. id
end

local function resolve(target)
    if target:find('^%a+:') then return target end
    local path, id = target:match('^([^#]*)#?(.*)$')
    if path == '' or path == 'book.md' then
        if id == '' then return 'index.html' end
        return resolve_anchor(id)
    end
    local it = source(path)
    return it and at_line(it, tonumber(id:match('^L(%d+)$'))) or target
end

local function picture(image)
    local all = read(image.src)
    if not all then return image.src end
    local name = image.src:match('[^/]+$')
    write('figures/' .. name, all)
    return 'figures/' .. name
end

-- --- What a page says, in HTML ----------------------------------------------------------------------------

local function div(class, blocks)
    return pandoc.Div(blocks, pandoc.Attr('', { class }))
end

local function html(text)
    return pandoc.RawBlock('html', text)
end

-- Listings get the name of their file; the marks go, which are for the script that compares them.
local function name_listings(blocks)
    local done, mark = pandoc.List(), nil
    for _, block in ipairs(blocks) do
        local file, region = (mark or ''):match('^<!%-%- listing: (%S+) ?(%S*) %-%->')
        local it = file and file ~= 'none' and source(file)
        if block.t == 'RawBlock' and block.text:find('^<!%-%-') then
            mark = block.text
        else
            if block.t == 'CodeBlock' and it then
                local address = at_line(it, region ~= '' and line_of_region(it, region) or nil)
                local name = ('<p class="file"><a href="%s">%s</a></p>'):format(address, escape(file))
                block = div('listing', { html(name), block })
            end
            done:insert(block)
            mark = nil
        end
    end
    return done
end

-- A chapter's number, "3," say, as a link to it; nil if it is none.
local function number_link(text)
    local before, number, after = text:match('^(%(?)(%d+)(%p*)$')
    local page = chapters[number]
    if not page or page == here then return nil, number end
    local linked = ('%s<a href="%s">%s</a>%s'):format(before, page.file, number, escape(after))
    return pandoc.RawInline('html', linked), number
end

-- "Chapter 3", "chapters 1, 3 and 11" become links, (S20) small.
local function link_chapters(list)
    local chapter = false -- is the next number one of a chapter?
    for i, word in ipairs(list) do
        if word.t == 'Str' then
            local linked, number = number_link(word.text)
            if chapter and linked then
                list[i] = linked
            elseif word.text:find('^%(S%d+%)') then
                list[i] = pandoc.RawInline('html', '<span class="scenario">' .. escape(word.text) .. '</span>')
            end
            local goes_on = chapter and (number or word.text == 'and' or word.text == 'to')
            chapter = word.text:find('^%(?[Cc]hapters?$') or goes_on
        end
    end
    return list
end

-- What kind of table it is tells its head.
local function kind_of_table(head)
    local words = pandoc.List(head):map(function(cell) return stringify(cell.contents) end)
    if table.concat(words) == '' then return 'headless' end
    if words[1] == 'A' then return 'predict' end
    if words[2] == 'what is so' then return 'so' end
    return 'plain'
end

local function dress_table(it)
    if #it.classes > 0 then return end -- this one is dressed
    local head = it.head.rows[1] and it.head.rows[1].cells or {}
    for column, cell in ipairs(head) do
        for _, row in ipairs(stringify(cell.contents):find('^[Cc]hapters?$') and it.bodies[1].body or {}) do
            local numbers = pandoc.Pandoc(row.cells[column].contents)
            row.cells[column].contents = numbers:walk({ Str = function(it) return (number_link(it.text)) end }).blocks
        end
    end
    it.colspecs = pandoc.List(it.colspecs):map(function(spec) return { spec[1], nil } end) -- as wide as they need
    it.classes = { kind_of_table(head) }
    return div('table', { it })
end

-- The box at a chapter's head: "> **30 minutes**. Needs: ..."
local function make_box(it)
    if stringify(it):find('^%d+ minutes%. Needs') then return div('box', it.content) end
end

local function paragraph_with_picture(it)
    local image = it.content[1]
    if #it.content ~= 1 or image.t ~= 'Image' then return end
    local about = escape(stringify(image.caption))
    return html(('<figure><img src="%s" alt="%s"><figcaption>%s</figcaption></figure>'):format(picture(image),
        about, about))
end

local beside = {} -- the files this paragraph links to

local function look_for_files(it)
    beside = {}
    it:walk({
        Link = function(link)
            local path = link.target:match('^[^#:]+')
            local file = path and source(path)
            if file then table.insert(beside, file) end
        end,
    })
end

local function paragraph(it)
    local figure = it.t == 'Para' and paragraph_with_picture(it)
    if figure then return figure, false end
    look_for_files(it)
end

-- `pool_map`, `pool_map()`, `struct pool_options`, a function that one of the files beside defines, `chapters/meet.h`.
local function code(it)
    local file = it.text:find('^[%w_-]+/[%w/_-]+%.%w+$') and source(it.text)
    if file then return pandoc.Link({ it }, file.page), false end
    local name = it.text:match('^([%a_ ][%w_ ]*)%(?%)?$')
    if not name then return end
    local found = {}
    for _, file in ipairs(beside) do
        local number = it.text:find('%(%)$') and line_of_function(file, name)
        if number then table.insert(found, at_line(file, number)) end
    end
    local address = #found == 1 and found[1] or calls[name] or calls['struct ' .. name]
    if address then return pandoc.Link({ it }, address, '', pandoc.Attr('', { 'call' })), false end
end

local function link(it)
    it.target = resolve(it.target)
    return it, false
end

local function leave(it) return it, false end

local filter = {
    traverse = 'topdown',
    Blocks = name_listings, Inlines = link_chapters, Header = leave, CodeBlock = leave,
    Table = dress_table, BlockQuote = make_box, Para = paragraph, Plain = paragraph,
    Code = code, Link = link,
    RawInline = function(it) return it.text:find('^<!%-%-') and {} or nil end,
    Image = function(it)
        it.src = picture(it)
        return it
    end,
}

-- Calls in programs become links, commands in transcripts strong; a line's own anchor goes.
local function finish(page)
    page = page:gsub('<span id="cb%d+%-%d+"><a href="[^"]*"[^>]*></a>', '<span>')
    page = page:gsub('<div class="sourceCode" id="cb%d+">', '<div class="sourceCode">')
    return (page:gsub('<pre.-</pre>', function(pre)
        pre = pre:gsub('struct</span> (pool_)', 'struct</span> struct!%1') -- so that it is one word
        pre = pre:gsub('[%w_!]+', function(word)
            local name = word:match('^struct!(.*)')
            local address = calls[name and 'struct ' .. name or word]
            return address and ('<a class="call" href="%s">%s</a>'):format(address, name or word) or name
        end)
        return pre:find('^<pre class="console"') and pre:gsub('%f[^\n>]%$ [^\n<]*', '<b>%0</b>') or pre
    end))
end

local function to_html(blocks)
    return finish(pandoc.write(pandoc.Pandoc(blocks), 'html', { wrap_text = 'wrap-none' }))
end

-- --- The frame around a page ------------------------------------------------------------------------------

-- The sections of the page that one is reading.
local function sections(page)
    local list = {}
    for _, block in ipairs(page.blocks) do
        if block.t == 'Header' and block.level == 2 then
            table.insert(list, ('<li><a href="#%s">%s</a></li>'):format(block.identifier, escape(stringify(block))))
        end
    end
    return #list > 0 and '\n<ul>\n' .. table.concat(list, '\n') .. '\n</ul>' or ''
end

local function contents(current)
    local list, last = {}, nil
    for _, page in ipairs(pages) do
        if page.part or last and last.number and not page.number then
            table.insert(list, '<li class="part">' .. escape(page.part or '') .. '</li>')
        end
        local name = escape(page.slug or last and page.title or 'Start')
        if page.number then name = '<span class="number">' .. page.number .. '</span>' .. name end
        local mark = page == current and ' aria-current="page"' or ''
        table.insert(list, ('<li><a href="%s"%s>%s</a>%s</li>'):format(page.file, mark, name,
            page == current and sections(page) or ''))
        last = page
    end
    return '<ul>\n' .. table.concat(list, '\n') .. '\n</ul>'
end

local function neighbour(page, class, word)
    if not page then return '<span></span>' end
    return ('<a class="%s" href="%s" rel="%s"><small>%s</small> %s</a>'):format(class, page.file, class, word,
        escape(page.title))
end

local frame

local function put(file, title, text, current, before, after)
    local fields = {
        title = escape(title), text = text, contents = contents(current), kind = current and 'text' or 'file',
        previous = neighbour(before, 'prev', 'previous'), next = neighbour(after, 'next', 'next'),
        reference = REFERENCE .. 'index.html',
    }
    write(file, (frame:gsub('{(%l+)}', fields)))
end

local function put_source(path)
    local it = sources[path]
    local blocks = { pandoc.Header(1, path) }
    if it.folder then
        local items = {}
        for _, name in ipairs(it.lines) do
            local file = source(path .. '/' .. name)
            if file then table.insert(items, { pandoc.Plain({ pandoc.Link(name, file.page) }) }) end
        end
        table.insert(blocks, pandoc.BulletList(items))
    else
        if path == 'pool/pool.h' then
            local as_pages = pandoc.Link('The same as pages, call by call', REFERENCE .. 'index.html')
            table.insert(blocks, pandoc.Para({ as_pages }))
        end
        local language = path:find('Makefile$') and 'makefile' or LANGUAGES[path:match('%.(%w+)$') or ''] or 'default'
        table.insert(blocks, pandoc.CodeBlock(table.concat(it.lines, '\n'),
            pandoc.Attr('line', { language, 'numberLines' })))
    end
    put(it.page, path, to_html(blocks))
end

-- --- The search -------------------------------------------------------------------------------------------

local entries = {}

local function add_entry(page, title, id, words)
    local text = table.concat(words, ' '):gsub('%s+', ' ')
    if text == '' then return end
    local function quoted(s) return '"' .. s:gsub('[\\"]', '\\%0') .. '"' end
    local address = page.file .. (id and '#' .. id or '')
    table.insert(entries, ('[%s,%s,%s]'):format(quoted(address), quoted(title), quoted(text)))
end

-- A section is an entry: where it is, what it is called, its text.
local function index(page)
    local title, id, words = page.title, nil, {}
    for _, block in ipairs(page.blocks) do
        if block.t == 'Header' and stringify(block) ~= page.title then
            add_entry(page, title, id, words)
            title, id, words = page.title .. ': ' .. stringify(block), block.identifier, {}
        elseif block.t == 'CodeBlock' then
            table.insert(words, block.text)
        else
            local function paragraph_words(it) table.insert(words, stringify(it)) end
            pandoc.Pandoc({ block }):walk({ Para = paragraph_words, Plain = paragraph_words })
        end
    end
    add_entry(page, title, id, words)
end

-- --- All of it --------------------------------------------------------------------------------------------

function Pandoc(doc)
    out = stringify(doc.meta.out)
    frame = assert(read('tools/book/page.html'))
    read_tags()
    split(doc.blocks)
    for i, page in ipairs(pages) do
        here = page
        index(page)
        local text = to_html(pandoc.Pandoc(page.blocks):walk(filter).blocks)
        local title = i == 1 and page.title or page.title .. ' - Many Hands'
        put(page.file, title, text, page, pages[i - 1], pages[i + 1])
    end
    local n = 1
    while sources[n] do -- a folder's page brings more of them
        put_source(sources[n])
        n = n + 1
    end
    write('search-index.js', 'search_in([\n' .. table.concat(entries, ',\n') .. '\n]);\n')
    print(('%d pages, and %d of files'):format(#pages, #sources))
    return pandoc.Pandoc({})
end
