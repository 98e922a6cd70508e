'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const runColour = i => style('--run' + (i % 5));
  const faint = colour => colour + '4d';
  const pixels = v => v == null ? 'none' : v.toFixed(Math.abs(v) < 10 ? 2 : Math.abs(v) < 100 ? 1 : 0) + ' px';
  const find = id => document.getElementById(id);
  const charts = {};

  function axis(title, more = {}) {
    return Object.assign({
      title: {display: true, text: title, color: style('--ink')},
      ticks: {color: style('--soft'), maxRotation: 0},
      grid: {color: style('--line'), drawBorder: false},
    }, more);
  }

  function draw(id, type, datasets, scales, tooltip, plugins = [], more = {}) {
    const canvas = find(id);
    if (!canvas) return;
    if (charts[id]) charts[id].destroy();
    charts[id] = new Chart(canvas, {
      type, plugins, data: {datasets, labels: more.labels},
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, parsing: !!more.labels, normalized: true,
        indexAxis: more.indexAxis || 'x',
        interaction: {mode: more.mode || 'nearest', axis: more.axis || 'x', intersect: false},
        scales,
        plugins: {
          legend: {labels: {color: style('--ink'), usePointStyle: true, pointStyleWidth: more.lines ? 26 : 10, boxHeight: 7,
                            filter: item => !item.text.startsWith('_')}},
          tooltip: {callbacks: tooltip, filter: item => !item.dataset.label.startsWith('_')},
        },
      },
    });
  }

  // Exponential running mean without the bias of its start.
  function smooth(points, weight) {
    let sum = 0, total = 0;
    return points.map(({x, y}) => {
      if (y != null) { sum = weight * sum + (1 - weight) * y; total = weight * total + 1 - weight; }
      return {x, y: total > 0 ? sum / total : null};
    });
  }

  function drawLosses() {
    const weight = Number(find('smoothing')?.value ?? 0.8), log = find('loss-log')?.checked;
    for (const [id, column, title] of [['total-loss', 1, 'Total loss'], ['part-loss', 2, 'Part loss']]) {
      const sets = [];
      data.runs.forEach((run, i) => {
        const points = run.loss.map(row => ({x: row[0], y: row[column]}));
        if (!points.length) return;
        sets.push({label: run.name, data: smooth(points, weight), borderColor: runColour(i), backgroundColor: runColour(i),
                   borderWidth: 2.2, pointRadius: 0, pointHitRadius: 8, pointStyle: 'line'});
        sets.push({label: '_' + run.name, data: points, borderColor: faint(runColour(i)), borderWidth: 1, pointRadius: 0, order: 1});
      });
      draw(id, 'line', sets, {
        x: axis('Iterations', {type: 'linear'}), y: axis(title, {type: log ? 'logarithmic' : 'linear'}),
      }, {title: items => items.length ? 'Iteration ' + items[0].parsed.x : '',
          label: item => ' ' + item.dataset.label + ': ' + item.parsed.y.toPrecision(3)}, [], {mode: 'x', lines: true});
    }
  }

  function drawErrors() {
    const log = find('error-log')?.checked, time = find('error-time')?.checked;
    for (const [id, train, test, title] of [['error', 1, 2, 'Error, all points (px)'],
                                             ['error-cutoff', 3, 4, 'Error, likelihood ≥ ' + data.pcutoff + ' (px)']]) {
      const sets = [];
      data.runs.forEach((run, i) => {
        for (const [column, name, dash, shape] of [[test, 'test', [], 'circle'], [train, 'train', [6, 4], 'triangle']])
          if (run.error.some(row => row[column] != null))
            sets.push({label: run.name + ', ' + name, data: run.error.map(row => ({x: time ? row[5] : row[0], y: row[column]})),
                       borderColor: runColour(i), backgroundColor: name === 'test' ? runColour(i) : style('--panel'),
                       borderWidth: 2, borderDash: dash, pointStyle: shape, pointRadius: 4, spanGaps: true});
      });
      draw(id, 'line', sets, {
        x: axis(time ? 'Training time (s)' : 'Iterations', {type: 'linear'}),
        y: axis(title, {type: log ? 'logarithmic' : 'linear', beginAtZero: !log}),
      }, {title: items => items.length ? (time ? items[0].parsed.x.toFixed(1) + ' s' : 'Iteration ' + items[0].parsed.x) : '',
          label: item => ' ' + item.dataset.label + ': ' + pixels(item.parsed.y)}, [], {mode: time ? 'nearest' : 'x'});
    }
  }

  // 95 % intervals as lines with caps over the bars.
  const whiskers = {
    id: 'whiskers',
    afterDatasetsDraw(chart) {
      const {ctx, scales: {y}} = chart;
      ctx.save();
      ctx.strokeStyle = style('--ink');
      ctx.lineWidth = 1.4;
      chart.data.datasets.forEach((set, s) => {
        if (!chart.isDatasetVisible(s)) return;
        chart.getDatasetMeta(s).data.forEach((bar, i) => {
          const [, low, high] = set.intervals[i];
          if (low == null || high == null) return;
          const [top, bottom, cap] = [y.getPixelForValue(high), y.getPixelForValue(low), Math.min(5, bar.width / 3)];
          ctx.beginPath();
          ctx.moveTo(bar.x, top); ctx.lineTo(bar.x, bottom);
          for (const end of [top, bottom]) { ctx.moveTo(bar.x - cap, end); ctx.lineTo(bar.x + cap, end); }
          ctx.stroke();
        });
      });
      ctx.restore();
    },
  };

  function drawKeypoints() {
    const sets = data.runs.filter(run => run.keypoints.length).map(run => {
      const i = data.runs.indexOf(run);
      return {label: run.name, data: run.keypoints.map(k => k[0]), intervals: run.keypoints, backgroundColor: runColour(i),
              borderRadius: 3, categoryPercentage: 0.72, barPercentage: 0.9, pointStyle: 'rect'};
    });
    if (!sets.length) return;
    const highest = Math.max(...sets.flatMap(set => set.intervals.map(k => k[2] ?? k[0] ?? 0)));
    draw('keypoints', 'bar', sets, {
      x: axis('Keypoint', {type: 'category', grid: {display: false}, ticks: {color: style('--soft'), maxRotation: 60, autoSkip: false}}),
      y: axis('Test error (px)', {beginAtZero: true, suggestedMax: highest * 1.04}),
    }, {label: item => {
          const [mean, low, high] = item.dataset.intervals[item.dataIndex];
          return ' ' + item.dataset.label + ': ' + pixels(mean) + (low == null ? '' : ' (95 %: ' + pixels(low) + ' to ' + pixels(high) + ')');
        }}, [whiskers], {labels: data.bodyparts, mode: 'index'});
  }

  function drawCutoff() {
    const of = column => data.runs.flatMap((run, i) => run.cutoff.length ? [{
      label: run.name, data: run.cutoff.map(row => ({x: row[0], y: column === 2 && row[2] != null ? 100 * row[2] : row[column]})),
      borderColor: runColour(i), backgroundColor: runColour(i), borderWidth: 2, pointRadius: 2.5, pointStyle: 'circle'}] : []);
    const title = items => items.length ? 'Likelihood ≥ ' + items[0].parsed.x.toFixed(2) : '';
    draw('cutoff', 'line', of(1), {x: axis('Likelihood cutoff', {type: 'linear', min: 0, max: 1}), y: axis('Test error (px)', {beginAtZero: true})},
         {title, label: item => ' ' + item.dataset.label + ': ' + pixels(item.parsed.y)}, [], {mode: 'x'});
    draw('kept', 'line', of(2), {x: axis('Likelihood cutoff', {type: 'linear', min: 0, max: 1}), y: axis('Test points kept (%)', {min: 0, max: 100})},
         {title, label: item => ' ' + item.dataset.label + ': ' + item.parsed.y.toFixed(0) + ' %'}, [], {mode: 'x'});
  }

  function drawAll() { drawLosses(); drawErrors(); drawKeypoints(); drawCutoff(); }

  function sortTable(head) {
    const table = head.closest('table'), body = table.tBodies[0], column = head.cellIndex;
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const order = (a, b) => {
      const [p, q] = [key(a), key(b)], [n, m] = [parseFloat(p), parseFloat(q)];
      if (isNaN(n) !== isNaN(m)) return isNaN(n) ? 1 : -1;  // what has no number comes last, either way
      const sign = isNaN(n) ? p.localeCompare(q) : n - m;
      return down ? -sign : sign;
    };
    body.append(...[...body.rows].sort(order));
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  document.querySelectorAll('th button').forEach(button => button.addEventListener('click', () => sortTable(button.closest('th'))));
  for (const id of ['smoothing', 'loss-log']) find(id)?.addEventListener('input', drawLosses);
  for (const id of ['error-log', 'error-time']) find(id)?.addEventListener('input', drawErrors);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  drawAll();
})();
