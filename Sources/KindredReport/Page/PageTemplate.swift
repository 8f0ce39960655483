// How a report looks: its one template. A Swift string, since the command is one file and has no others beside it.

import Mustache

/// The template of pages, with its parts.
enum PageTemplate {
  static let library: MustacheLibrary = {
    MustacheContentTypes.register(PageText(), named: contentType)
    var library = MustacheLibrary()
    for (name, text) in [("page", page), ("block", block), ("matrix", matrix), ("table", table)] {
      do {
        try library.register("{{%CONTENT_TYPE:\(contentType)}}\n" + text, named: name)
      } catch {
        preconditionFailure("the template '\(name)': \(error)")
      }
    }
    return library
  }()

  private static let contentType = "KINDRED"

  /// Escapes by scalars: by characters, a quote with a mark joined to it would go through.
  private struct PageText: MustacheContentType {
    func escapeText(_ text: String) -> String { Markup.escaped(text, keepsLines: true) }
  }

  private static let page = """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
    script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
    <meta name="color-scheme" content="light dark">
    <meta name="generator" content="Kindred">
    <link rel="icon" href="data:,">
    <title>{{title}}</title>
    <style>{{{style}}}</style>
    </head>
    <body>
    <header>
    <h1>{{title}}</h1>
    <p>{{subtitle}}</p>
    <p class="age">{{#unfinished}}<strong>Still going on.</strong> {{/unfinished}}Written \
    <time id="written" datetime="{{date}}" data-time="{{milliseconds}}">{{day}}</time><span id="age" role="status"></span></p>
    <nav aria-label="Sections"><ul>{{#sections}}<li><a href="#{{id}}">{{heading}}</a></li>{{/sections}}</ul></nav>
    </header>
    <main>
    {{#sections}}
    <section id="{{id}}" aria-labelledby="{{id}}-heading">
    <h2 id="{{id}}-heading">{{heading}}</h2>
    {{#blocks}}
    {{>block}}
    {{/blocks}}
    </section>
    {{/sections}}
    </main>
    {{#sheets}}
    <img class="sheet" hidden id="{{id}}" alt="" data-side="{{side}}" data-columns="{{columns}}" src="{{png}}">
    {{/sheets}}
    <script>{{{script}}}</script>
    </body>
    </html>

    """

  private static let block = """
    {{#text}}<p>{{words}}</p>{{/text}}
    {{#note}}<p class="note">{{words}}</p>{{/note}}
    {{#list}}<ul class="list">{{#items}}<li>{{words}}</li>{{/items}}</ul>{{/list}}
    {{#code}}<pre tabindex="0"><code>{{words}}</code></pre>{{/code}}
    {{#table}}{{>table}}{{/table}}
    {{#figures}}<div class="figures">{{#svgs}}<figure>{{{svg}}}</figure>{{/svgs}}</div>{{/figures}}
    {{#matrices}}<div class="figures">{{#items}}{{>matrix}}{{/items}}</div>{{/matrices}}
    {{#pictures}}<div class="pictures">{{#items}}<figure><img src="{{png}}" alt="{{caption}}"><figcaption>{{caption}}\
    </figcaption></figure>{{/items}}</div>{{/pictures}}
    {{#details}}<details{{#open}} open{{/open}}><summary>{{summary}}</summary>
    {{#blocks}}
    {{>block}}
    {{/blocks}}
    </details>{{/details}}

    """

  private static let table = """
    {{#titled}}<p class="caption" id="{{id}}">{{caption}}</p>{{/titled}}<div class="table" tabindex="0" role="region" \
    {{#titled}}aria-labelledby="{{id}}"{{/titled}}{{^titled}}aria-label="table"{{/titled}}><table{{#titled}} \
    aria-labelledby="{{id}}"{{/titled}}><thead><tr>{{#heads}}<th scope="col"{{#number}} class="number"{{/number}}>{{words}}\
    </th>{{/heads}}</tr></thead><tbody>{{#rows}}<tr>{{#cells}}{{#name}}<th scope="row">{{words}}</th>{{/name}}{{^name}}\
    <td class="{{#number}}number{{/number}}{{#shade}} shade{{/shade}}"{{#shade}} style="--shade:{{.}}%"{{/shade}}>{{words}}\
    </td>{{/name}}{{/cells}}</tr>
    {{/rows}}</tbody></table></div>
    """

  private static let matrix = """
    <figure class="matrix{{#tall}} wide{{/tall}}" data-rows="{{rows}}" data-columns="{{columns}}" data-low="{{low}}" \
    data-high="{{high}}" data-values="{{values}}" data-rownames="{{rownames}}" data-columnnames="{{columnnames}}" \
    data-rowsheet="{{rowsheet}}" data-columnsheet="{{columnsheet}}">
    <figcaption id="{{id}}">{{title}}</figcaption>
    <div class="plot">{{#grouped}}<div class="groups" aria-hidden="true">{{#groups}}<span style="flex:{{size}}">{{words}}\
    </span>{{/groups}}</div>{{/grouped}}
    <div class="field" tabindex="0" role="application" aria-roledescription="matrix" aria-labelledby="{{id}}" \
    aria-describedby="{{id}}-help"><img src="{{png}}" alt=""><span class="mark" hidden></span></div></div>
    <div class="scale" aria-hidden="true"><span>{{darkest}}</span><i></i><span>{{lightest}}</span></div>
    <p class="help" id="{{id}}-help">{{rows}} rows, {{columns}} columns; arrow keys go from entry to entry.</p>
    <div class="readout{{#pictured}} pictured{{/pictured}}"><canvas width="0" height="0" hidden></canvas><p role="status"></p></div>
    </figure>

    """

  static let style = """
    :root{--text:#1c2024;--muted:#59616b;--faint:#dfe3e8;--page:#fff;--soft:#f4f6f8;--link:#1f5fa8;--shade-ink:40,120,200}
    @media screen and (prefers-color-scheme:dark){:root{--text:#eceff2;--muted:#a3acb6;--faint:#333a42;--page:#14171b;\
    --soft:#1d2228;--link:#8ab8f0;--shade-ink:70,140,215}}
    *{box-sizing:border-box}
    html{scroll-behavior:smooth}
    @media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
    body{margin:0 auto;padding:1rem;max-width:76rem;font:1rem/1.5 system-ui,sans-serif;color:var(--text);\
    background:var(--page)}
    h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0;overflow-wrap:anywhere}
    h2{font-size:1.25rem;margin:2.5rem 0 .5rem;padding-top:.5rem;border-top:1px solid var(--faint)}
    p{margin:.5rem 0;max-width:46rem;overflow-wrap:anywhere}
    a{color:var(--link)}
    header p,.note,.age{color:var(--muted)}
    .note{border-left:3px solid var(--faint);padding-left:.6rem}
    .help{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
    .list li{overflow-wrap:anywhere}
    nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;margin:.5rem 0}
    :focus-visible{outline:3px solid var(--link);outline-offset:2px}
    figure{margin:0;min-width:0}
    figcaption{font-weight:600;font-size:.9rem;overflow-wrap:anywhere}
    .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr));gap:1.5rem;\
    align-items:start;margin:1rem 0}
    svg{display:block;width:100%;height:auto}
    svg text{font-family:system-ui,sans-serif}
    svg image{image-rendering:pixelated}
    .fill-text{fill:var(--text)}.stroke-text{stroke:var(--text)}.fill-muted{fill:var(--muted)}
    .stroke-muted{stroke:var(--muted)}.fill-faint{fill:var(--faint)}.stroke-faint{stroke:var(--faint)}
    .fill-page{fill:var(--page)}.stroke-page{stroke:var(--page)}
    .table{overflow-x:auto;margin:0 0 1rem}
    table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
    .caption{color:var(--muted);font-size:.875rem;margin:1rem 0 .25rem}
    th,td{padding:.3rem .6rem;border-bottom:1px solid var(--faint);text-align:left;vertical-align:top}
    tbody th{font-weight:600;max-width:16rem;overflow-wrap:break-word}
    thead th{color:var(--muted);font-weight:600;vertical-align:bottom}
    .number{text-align:right;white-space:nowrap}
    td.shade{background:rgba(var(--shade-ink),calc(var(--shade)*.75))}
    details{margin:.75rem 0;border-left:2px solid var(--faint);padding-left:.75rem}
    summary{cursor:pointer;color:var(--link)}
    pre{background:var(--soft);padding:.75rem;overflow-x:auto;font-size:.8rem;line-height:1.4}
    .pictures{display:flex;flex-wrap:wrap;gap:.75rem;margin:.75rem 0}
    .pictures figure{width:6.5rem}
    .pictures img{width:4rem;height:4rem;image-rendering:pixelated;object-fit:contain}
    .pictures figcaption{font-weight:400;font-size:.75rem;line-height:1.3}
    figure.matrix{position:relative}
    .plot{display:flex;gap:.35rem;max-width:24rem;margin:.35rem 0}
    .groups{flex:none;display:flex;flex-direction:column;max-width:6rem;font-size:.65rem;line-height:1;color:var(--muted);\
    text-align:right}
    .groups span{display:flex;align-items:center;justify-content:flex-end;min-height:0;overflow:hidden;white-space:nowrap}
    .field{position:relative;flex:1;min-width:0;cursor:crosshair}
    .field img{display:block;width:100%;image-rendering:pixelated;border:1px solid var(--faint)}
    .matrix:not(.wide) .field img{aspect-ratio:1}
    .matrix.wide .field img{height:9rem}
    .mark{position:absolute;outline:2px solid #fff;box-shadow:0 0 0 3px #000;pointer-events:none;min-width:3px;min-height:3px}
    .scale{display:flex;align-items:center;gap:.4rem;max-width:24rem;font-size:.75rem;color:var(--muted)}
    .scale i{flex:1;height:.5rem;background:linear-gradient(90deg,\(ColourMap.stops.joined(separator: ",")))}
    .readout{min-height:2.6rem;font-size:.8rem}
    .readout.pictured{min-height:7rem}
    .readout p{margin:.2rem 0;white-space:pre-line}
    .readout canvas{image-rendering:pixelated;width:8.5rem;height:4rem}
    [hidden]{display:none!important}
    @media print{body{max-width:none;padding:0;font-size:10pt}nav,.help,.readout{display:none}
    h2{break-after:avoid}figure,tr,.pictures figure{break-inside:avoid}pre{white-space:pre-wrap}
    .table{overflow:visible}th,td{padding:.15rem .3rem;font-size:8pt}
    .scale i,td.shade{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
    """

  static let script = """
    'use strict';
    (() => {
      const written = Number(document.getElementById('written').dataset.time);
      const age = document.getElementById('age');
      const units = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
      const tell = () => {
        const seconds = Math.max(0, Math.round((Date.now() - written) / 1000));
        const [name, size] = units.find(([, size]) => seconds >= size) || ['second', 1];
        const count = Math.floor(seconds / size);
        age.textContent = `, ${count} ${name}${count === 1 ? '' : 's'} ago`;
      };
      tell();
      setInterval(tell, 10000);

      const names = text => text ? JSON.parse(text) : null;
      for (const figure of document.querySelectorAll('figure.matrix')) {
        const data = figure.dataset;
        const [rows, columns] = [Number(data.rows), Number(data.columns)];
        const [low, high] = [Number(data.low), Number(data.high)];
        const rowNames = names(data.rownames), columnNames = names(data.columnnames) || rowNames;
        const bytes = Uint8Array.from(atob(data.values), letter => letter.charCodeAt(0));
        const value = (row, column) => {
          const place = 2 * (row * columns + column), step = bytes[place] + 256 * bytes[place + 1];
          return step === 65535 ? NaN : low + step / 65534 * (high - low);
        };
        const field = figure.querySelector('.field'), mark = figure.querySelector('.mark');
        const words = figure.querySelector('.readout p'), canvas = figure.querySelector('canvas');
        const picture = field.querySelector('img');
        const sheets = [data.rowsheet, data.columnsheet].map(id => id && document.getElementById(id));
        let at = [0, 0];
        const draw = (sheet, index, place) => {
          if (!sheet) return;
          const side = Number(sheet.dataset.side), across = Number(sheet.dataset.columns);
          if (place === 0) { canvas.width = 2 * side + 4; canvas.height = side; }
          canvas.hidden = false;
          canvas.getContext('2d').drawImage(
            sheet, index % across * side, Math.floor(index / across) * side, side, side, place * (side + 4), 0, side, side);
        };
        const show = (row, column) => {
          at = [row, column];
          words.textContent = `${value(row, column).toPrecision(4)}\\n${rowNames[row]} · ${columnNames[column]}`;
          draw(sheets[0], row, 0);
          draw(sheets[1], column, 1);
          mark.hidden = false;
          mark.style.left = `${column / columns * 100}%`;
          mark.style.top = `${row / rows * 100}%`;
          mark.style.width = `${100 / columns}%`;
          mark.style.height = `${100 / rows}%`;
        };
        const inside = (place, count) => Math.min(Math.max(place, 0), count - 1);
        field.addEventListener('pointermove', event => {
          const box = picture.getBoundingClientRect();
          show(inside(Math.floor((event.clientY - box.top) / box.height * rows), rows),
            inside(Math.floor((event.clientX - box.left) / box.width * columns), columns));
        });
        field.addEventListener('focus', () => show(...at));
        field.addEventListener('keydown', event => {
          const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
            PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -columns], End: [0, columns] };
          const step = steps[event.key];
          if (!step) return;
          event.preventDefault();
          show(inside(at[0] + step[0], rows), inside(at[1] + step[1], columns));
        });
      }
      // What is printed is all there is.
      let closed = [];
      addEventListener('beforeprint', () => {
        closed = [...document.querySelectorAll('details:not([open])')];
        for (const one of closed) one.open = true;
      });
      addEventListener('afterprint', () => { for (const one of closed) one.open = false; });
    })();
    """
}
