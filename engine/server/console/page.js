// Making elements. Texts go in as texts: nothing that comes from data is read as HTML.

/** An element with properties, attributes (those with a dash, and `role`, `class`) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'class') element.className = value;
    else if (name === 'role' || name.includes('-')) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/** A button that does something, and is disabled while it is done. */
export function button(text, action, properties = {}) {
  const element = make('button', { type: 'button', ...properties }, text);
  element.addEventListener('click', async () => {
    element.disabled = true;
    try {
      await action();
    } finally {
      element.disabled = false;
    }
  });
  return element;
}

/** So many rows, in words. */
export const counted = (rows) => `${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}`;

/** A name as SQL writes it. */
export const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

/** A text as SQL writes it. */
export const literal = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Saves bytes as a file of the browser. */
export function save(name, parts, type) {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  make('a', { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
