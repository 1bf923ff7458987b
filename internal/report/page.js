"use strict";
(() => {
	const data = JSON.parse(document.getElementById("data").textContent);
	const byId = id => document.getElementById(id);
	const list = byId("list"), head = list.tHead, body = list.tBodies[0];
	const first = 200; // rows before all are asked for
	const state = { q: "", measure: "file", show: "bytes", sort: "path", dir: "asc", all: false };

	// A module is [path, found, sizes]; sizes has for each form null or
	// [file, btf, packed, dictionary, memory, loads], loads being a digit per kernel.
	const fields = { file: 0, btf: 1, packed: 2, dictionary: 3, memory: 4, loads: 5 };
	const none = data.forms.findIndex(f => f.id === "none"), split = data.forms.findIndex(f => f.id === "split");

	const figure = (module, form) => {
		const size = form < 0 ? null : module[2][form];
		if (!size) return null;
		const v = size[fields[state.measure]];
		if (state.measure !== "loads") return v;
		return v === "" ? null : [...v].filter(c => c === "1").length;
	};
	// value is what a cell shows and is sorted by: a number, or null if there is none.
	const value = (module, form) => {
		const v = figure(module, form);
		if (v === null || state.measure === "loads" || state.show === "bytes") return v;
		const of = figure(module, state.show === "none" ? none : split);
		return of ? v / of - 1 : null;
	};
	const bytes = n => {
		const units = ["B", "kB", "MB", "GB", "TB"];
		let u = 0;
		for (; n >= 999.95 && u < units.length - 1; u++) n /= 1000;
		return (u ? n.toFixed(1) : String(n)) + " " + units[u];
	};
	const percent = p => {
		p *= 100;
		const digits = Math.abs(p) >= 100 ? 0 : Math.abs(p) >= 1 ? 1 : 2;
		const s = Math.abs(p).toFixed(digits);
		return Number(s) === 0 ? "0 %" : (p < 0 ? "\u2212" : "+") + s + " %";
	};
	const text = v => v === null ? "\u2013" : state.measure === "loads" ? v + " of " + data.kernels.length : state.show === "bytes" ? bytes(v) : percent(v);
	const hint = (module, form) => {
		const size = module[2][form];
		if (!size) return "not measured";
		if (state.measure !== "loads") return figure(module, form).toLocaleString("en") + " bytes";
		const refuse = data.kernels.filter((_, i) => size[5][i] === "0");
		return size[5] === "" ? "no BTF" : refuse.length ? "refused by " + refuse.join(", ") : "taken by all";
	};

	const compare = () => {
		const sign = state.dir === "asc" ? 1 : -1;
		const byPath = (a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
		if (state.sort === "path") return (a, b) => sign * byPath(a, b);
		if (state.sort === "found") return (a, b) => a[1] === b[1] ? byPath(a, b) : a[1] < b[1] ? -sign : sign;
		const form = data.forms.findIndex(f => f.id === state.sort);
		return (a, b) => {
			const x = value(a, form), y = value(b, form);
			if (x === y) return byPath(a, b);
			if (x === null || y === null) return x === null ? 1 : -1; // last either way
			return sign * (x - y);
		};
	};

	const draw = () => {
		const q = state.q.toLowerCase();
		const found = data.modules.filter(m => m[0].toLowerCase().includes(q)).sort(compare());
		const shown = state.all ? found : found.slice(0, first);
		const rows = document.createDocumentFragment();
		for (const m of shown) {
			const row = document.createElement("tr");
			const name = document.createElement("th");
			name.scope = "row";
			name.textContent = m[0];
			row.append(name);
			const came = document.createElement("td");
			came.textContent = m[1];
			row.append(came);
			data.forms.forEach((_, i) => {
				const cell = document.createElement("td");
				cell.textContent = text(value(m, i));
				cell.title = hint(m, i);
				if (state.measure === "loads" && m[2][i] && m[2][i][5].includes("0")) cell.className = "refused";
				row.append(cell);
			});
			rows.append(row);
		}
		body.replaceChildren(rows);
		for (const th of head.rows[0].cells) {
			if (th.dataset.key === state.sort) th.setAttribute("aria-sort", state.dir === "asc" ? "ascending" : "descending");
			else th.removeAttribute("aria-sort");
		}
		const n = found.length.toLocaleString("en"), total = data.modules.length.toLocaleString("en");
		byId("status").textContent = (found.length === data.modules.length ? total : n + " of " + total) + " modules" +
			(shown.length < found.length ? ", the first " + shown.length + " shown" : "");
		byId("more").hidden = shown.length === found.length;
		byId("more").textContent = "Show all " + n;
		byId("show").disabled = state.measure === "loads";
	};

	// What is shown is kept in the address, so that it can be passed on.
	const remember = () => {
		const p = new URLSearchParams();
		if (state.q) p.set("q", state.q);
		for (const [k, plain] of [["measure", "file"], ["show", "bytes"], ["sort", "path"], ["dir", "asc"]])
			if (state[k] !== plain) p.set(k, state[k]);
		if (state.all) p.set("rows", "all");
		history.replaceState(null, "", "#" + p);
	};
	const recall = () => {
		const p = new URLSearchParams(location.hash.slice(1));
		const pick = (k, plain, allowed) => allowed.includes(p.get(k)) ? p.get(k) : plain;
		state.q = p.get("q") || "";
		state.measure = pick("measure", "file", data.measures.map(m => m[0]));
		state.show = pick("show", "bytes", ["bytes", "none", "split"]);
		state.sort = pick("sort", "path", ["path", "found", ...data.forms.map(f => f.id)]);
		state.dir = pick("dir", "asc", ["asc", "desc"]);
		state.all = p.get("rows") === "all";
		byId("q").value = state.q;
		byId("measure").value = state.measure;
		byId("show").value = state.show;
	};

	for (const [id, label] of data.measures) byId("measure").append(new Option(label, id));
	if (split < 0) byId("show").querySelector("[value=split]").remove();
	const titles = document.createElement("tr");
	for (const [key, label] of [["path", "Module"], ["found", "Came with"], ...data.forms.map(f => [f.id, f.label])]) {
		const th = document.createElement("th"), button = document.createElement("button");
		th.scope = "col";
		th.dataset.key = key;
		button.type = "button";
		button.textContent = label;
		button.addEventListener("click", () => {
			if (state.sort === key) state.dir = state.dir === "asc" ? "desc" : "asc";
			else [state.sort, state.dir] = [key, key === "path" || key === "found" ? "asc" : "desc"];
			draw();
			remember();
		});
		th.append(button);
		titles.append(th);
	}
	head.append(titles);
	const change = (id, key) => byId(id).addEventListener("input", e => {
		state[key] = e.target.value;
		draw();
		remember();
	});
	change("q", "q");
	change("measure", "measure");
	change("show", "show");
	byId("controls").addEventListener("submit", e => e.preventDefault());
	byId("more").addEventListener("click", () => {
		state.all = true;
		draw();
		remember();
	});
	addEventListener("hashchange", () => {
		recall();
		draw();
	});
	recall();
	draw();
	byId("controls").hidden = list.hidden = false;
})();
