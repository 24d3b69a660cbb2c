// How a page looks, for page.evaluate: faults() of the layout, one line each; colours() of the text and of what it stands
// on; starts(words), where each character of these words begins.
//
//   scrolls   the page is wider than the window
//   beyond    text stands outside of the window
//   clipped   text is cut off by a box that hides what sticks out
//   spills    text sticks out of its own box
//   overlaps  lines of two elements stand on each other
//   pale      the words in place of an image are hard to tell from their ground
(() => {
  const SLACK = 2; // px: rounding, and the side bearing of slanted letters
  const MOST = 5; // findings of a kind

  function name(element) {
    const kind = typeof element.className === "string" ? element.className.trim().replace(/\s+/g, ".") : "";
    return element.localName + (kind && "." + kind);
  }

  function* upwards(element) {
    for (; element; element = element.parentElement) yield [element, getComputedStyle(element)];
  }

  // Of no colour or size, or a pixel that screen readers read.
  function hidden(element) {
    if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) return true;
    for (const [each, style] of upwards(element))
      if (style.position === "absolute" && style.overflowX === "hidden" && each.offsetWidth <= 1) return true;
    return false;
  }

  function* linesOf(node) {
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      if (box.width > 1 && box.height > 1)
        yield {left: box.left, right: box.right, top: box.top, bottom: box.bottom, node, holder: node.parentElement};
  }

  function allLines() {
    const lines = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode())
      if (walker.currentNode.data.trim() && !hidden(walker.currentNode.parentElement))
        lines.push(...linesOf(walker.currentNode));
    return lines;
  }

  const say = line => `"${line.node.data.trim().replace(/\s+/g, " ").slice(0, 40)}" in ${name(line.holder)}`;

  function sticksOut(line, box, wide = SLACK, high = SLACK) {
    return line.left < box.left - wide || line.right > box.right + wide
      || line.top < box.top - high || line.bottom > box.bottom + high;
  }

  function* scrolls() {
    const width = document.scrollingElement.scrollWidth;
    if (width <= innerWidth) return;
    const wide = [...document.body.querySelectorAll("*")].filter(each => each.getBoundingClientRect().width > innerWidth);
    yield `scrolls: ${width} px in a window of ${innerWidth} px, by ${wide.slice(-3).map(name).join(", ") || "?"}`;
  }

  // The boxes that cut a line off; what stands in a box that scrolls can be reached.
  function* hiding(line) {
    for (const [each, style] of upwards(line.holder)) {
      if (/auto|scroll/.test(style.overflowX + style.overflowY) && each !== document.scrollingElement) return;
      if (/hidden|clip/.test(style.overflowX + style.overflowY)) yield each;
    }
  }

  const reachable = line => [...upwards(line.holder)].some(
    ([each, style]) => each !== document.scrollingElement && /auto|scroll/.test(style.overflowX));

  function* beyond(lines) {
    for (const line of lines)
      if ((line.left < -SLACK || line.right > innerWidth + SLACK) && !reachable(line)) yield `beyond: ${say(line)}`;
  }

  function* clipped(lines) {
    for (const line of lines)
      for (const box of hiding(line))
        if (sticksOut(line, box.getBoundingClientRect())) yield `clipped: ${say(line)} by ${name(box)}`;
  }

  // A line is as high as its letters, which may be more than the line-height gives it: half of that is no spill.
  function* spills(lines) {
    for (const line of lines) {
      const [block, style] = [...upwards(line.holder)].find(([, each]) => !/^(inline|contents)$/.test(each.display));
      const room = Math.max(0, line.bottom - line.top - (parseFloat(style.lineHeight) || 0)) / 2;
      if (!/auto|scroll|hidden|clip/.test(style.overflowX + style.overflowY)
        && sticksOut(line, block.getBoundingClientRect(), SLACK, SLACK + room)) yield `spills: ${say(line)}`;
    }
  }

  const meet = (one, other) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > SLACK
    && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > SLACK;

  function* overlaps(lines) {
    const sorted = lines.filter(line => !reachable(line)).sort((one, other) => one.top - other.top);
    for (const [place, one] of sorted.entries())
      for (let next = place + 1; next < sorted.length && sorted[next].top < one.bottom - SLACK; next++)
        if (one.holder !== sorted[next].holder && meet(one, sorted[next]))
          yield `overlaps: ${say(one)} and ${say(sorted[next])}`;
  }

  // The words in place of an image stand in no tree that a page, or axe, can see: they are laid out once more.
  function rowsOf(image) {
    const {font, lineHeight} = getComputedStyle(image), box = document.createElement("div");
    box.style.cssText = `font: ${font}; line-height: ${lineHeight}; width: ${image.clientWidth}px; text-indent: 16px`;
    box.append(image.alt);
    image.after(box);
    const [line] = linesOf(box.firstChild), high = box.clientHeight;
    box.remove();
    return {high, tooLow: parseFloat(lineHeight) < line.bottom - line.top};
  }

  const parts = rgb => rgb.match(/[\d.]+/g).map(Number);

  // Of WCAG 2.1.
  function luminance(rgb) {
    const [red, green, blue] = parts(rgb).map(each => each / 255)
      .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function contrast(image) {
    const [, ground] = [...upwards(image)].find(([, style]) => parts(style.backgroundColor)[3] !== 0) ?? [];
    const [one, other] = [getComputedStyle(image).color, ground?.backgroundColor ?? "rgb(255, 255, 255)"].map(luminance);
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  }

  function* inPlaceOfImages() {
    for (const image of document.images) {
      if (image.naturalWidth || !image.complete || !image.alt || !image.offsetWidth) continue;
      const {high, tooLow} = rowsOf(image);
      if (tooLow || high > image.clientHeight + SLACK) yield `clipped: "${image.alt}" in place of an image`;
      if (contrast(image) < 4.5) yield `pale: "${image.alt}" in place of an image`;
    }
  }

  function faults() {
    const lines = allLines();
    const kinds = [scrolls(), beyond(lines), clipped(lines), spills(lines), overlaps(lines), inPlaceOfImages()];
    return lines.length ? kinds.flatMap(found => [...new Set(found)].slice(0, MOST)) : ["empty: there is no text at all"];
  }

  function hex(rgb) {
    const [red, green, blue, alpha = 1] = parts(rgb);
    return alpha && "#" + [red, green, blue].map(each => each.toString(16).padStart(2, "0")).join("");
  }

  function colours() {
    const fronts = allLines().map(line => getComputedStyle(line.holder).color);
    const grounds = [...document.querySelectorAll("body, body *")].filter(each => !hidden(each))
      .map(each => getComputedStyle(each).backgroundColor);
    return [...new Set([...fronts, ...grounds].map(hex))].filter(Boolean);
  }

  function starts(words) {
    const {node} = allLines().find(line => line.node.data.includes(words));
    const range = document.createRange(), first = node.data.indexOf(words);
    return [...words].map((_, place) => {
      range.setStart(node, first + place);
      range.setEnd(node, first + place + 1);
      return range.getBoundingClientRect().left;
    });
  }

  return {faults, colours, starts};
})()
