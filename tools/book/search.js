// search.js - finds words in the book, without a server: the index is a script, loaded when somebody wants to search.
'use strict';

const box = document.getElementById('search');
const found = document.getElementById('found');
let entries = []; // [address, title, text]

// search-index.js calls it.
function search_in(all) {
    entries = all;
    show();
}

function load() {
    const script = document.createElement('script');
    script.src = 'search-index.js';
    document.head.append(script);
}

// All words must be there; in the title they count more.
function score(title, text, words) {
    let sum = 0;
    for (const word of words) {
        const in_title = title.toLowerCase().includes(word), in_text = text.toLowerCase().includes(word);
        if (!in_title && !in_text)
            return 0;
        sum += in_title ? 10 : 1;
    }
    return sum;
}

// The text around the first of the words that is in it.
function excerpt(text, words) {
    const places = words.map(word => text.toLowerCase().indexOf(word)).filter(place => place >= 0);
    const from = text.lastIndexOf(' ', Math.max(0, Math.min(...places, text.length) - 30)) + 1;
    const shown = places.length > 0 ? from : 0;
    return (shown > 0 ? '... ' : '') + text.slice(shown, shown + 110) + ' ...';
}

function item([address, title, text], words) {
    const line = document.createElement('li'), link = document.createElement('a');
    const about = document.createElement('small');
    link.href = address;
    link.textContent = title;
    about.textContent = excerpt(text, words);
    line.append(link, about);
    return line;
}

function show() {
    const words = box.value.toLowerCase().split(/\s+/).filter(word => word.length > 1);
    const best = words.length === 0 ? [] : entries
        .map(entry => [score(entry[1], entry[2], words), entry])
        .filter(([points]) => points > 0)
        .sort((a, b) => b[0] - a[0])
        .slice(0, 20);
    found.replaceChildren(...best.map(([, entry]) => item(entry, words)));
    if (words.length > 0 && best.length === 0 && entries.length > 0)
        found.textContent = 'nothing found';
}

box.hidden = false;
box.addEventListener('focus', load, { once: true });
box.addEventListener('input', show);
