// The object `snowflake` of procedures, over what the session gives:
// `run(text, values)`, `next(result)`, `value(result, column)`, `text(result, column)`, `moment(result, column)`,
// `place(line, method)` and `log(level, message)`.
(function (session) {
  // The place of the caller of `method`, in the code of the procedure.
  const place = (method) => {
    const called = new Error().stack.split('\n').map((frame) => /\(?body:(\d+):(\d+)\)?$/.exec(frame)).find(Boolean);
    if (!called) return '';
    const [line, position] = session.place(Number(called[1]) - 1, method.split('.')[1]);
    return line === undefined ? `At ${method}` : `At ${method}, line ${line} position ${position}`;
  };

  class SfDate extends Date {
    // Nanoseconds within the millisecond, digits of the fraction, minutes before or after UTC.
    #moment = [0, 9, 0];
    constructor(first, ...rest) {
      super(...(first === undefined ? [] : [first, ...rest]));
      if (first instanceof SfDate) this.#moment = first.#moment;
    }
    static of(millis, moment) {
      const date = new SfDate(millis);
      date.#moment = moment;
      return date;
    }
    getEpochSeconds() { return Math.floor(this.getTime() / 1000); }
    getNanoSeconds() { return (((this.getTime() % 1000) + 1000) % 1000) * 1e6 + this.#moment[0]; }
    getScale() { return this.#moment[1]; }
    getTimezone() { return this.#moment[2]; }
    toString() {
      const [weekday, day, month, year, time] = this.toUTCString().replace(',', '').split(' ');
      if (time === undefined) return 'Invalid Date';
      return `${weekday} ${month} ${day} ${year} ${time} GMT+0000 (Coordinated Universal Time)`;
    }
  }

  // What statements and their results tell of columns and counts.
  class Told {
    _made;
    constructor() { Object.defineProperty(this, '_made', { enumerable: false, writable: true }); }
    #column(key) {
      const columns = this._made ? this._made.columns : [];
      const index = typeof key === 'string' ? columns.findIndex((column) => column.name === key) : Number(key) - 1;
      const found = typeof key === 'string' && index < 0
        ? columns.findIndex((column) => column.name === key.toUpperCase()) : index;
      if (!columns[found]) throw new Error(`Given column name/index does not exist: ${key}`);
      return found;
    }
    _index(key) { return this.#column(key); }
    #of(key) { return this._made.columns[this.#column(key)]; }
    getColumnCount() { return this._made ? this._made.columns.length : 0; }
    getColumnName(key) { return this.#of(key).name; }
    getColumnScale(key) { return this.#of(key).scale; }
    getColumnSqlType(key) { return this.#of(key).type; }
    getColumnType(key) { return this.#of(key).type; }
    isColumnNullable(key) { return this.#of(key).nullable; }
    isColumnNumber(key) { return ['fixed', 'real'].includes(this.#of(key).type); }
    isColumnText(key) { return this.#of(key).type === 'text'; }
    isColumnBoolean(key) { return this.#of(key).type === 'boolean'; }
    isColumnBinary(key) { return this.#of(key).type === 'binary'; }
    isColumnDate(key) { return this.#of(key).type === 'date'; }
    isColumnTime(key) { return this.#of(key).type === 'time'; }
    isColumnTimestamp(key) { return this.#of(key).type.startsWith('timestamp'); }
    isColumnVariant(key) { return this.#of(key).type === 'variant'; }
    isColumnObject(key) { return this.#of(key).type === 'object'; }
    isColumnArray(key) { return this.#of(key).type === 'array'; }
    getRowCount() { return this._made ? this._made.rows : 0; }
    getQueryId() { return this._made ? this._made.id : undefined; }
    getNumRowsAffected() { return this._made ? this._made.affected : 0; }
    getNumRowsInserted() { return this._made ? this._made.inserted : 0; }
    getNumRowsUpdated() { return this._made ? this._made.updated : 0; }
    getNumRowsDeleted() { return this._made ? this._made.deleted : 0; }
    getNumDuplicateRowsUpdated() { return this._made ? this._made.duplicates : 0; }
  }

  class ResultSet extends Told {
    #on = false;
    constructor(made) {
      super();
      this._made = made;
      for (const column of made.columns) {
        if (column.name in this) continue;
        Object.defineProperty(this, column.name, { get: () => this.getColumnValue(column.name) });
      }
    }
    next() {
      this.#on = session.next(this._made.result);
      return this.#on;
    }
    #ready() {
      if (!this.#on) throw new Error('ResultSet is empty or not prepared, call next() first');
    }
    getColumnValue(key) {
      this.#ready();
      const index = this._index(key);
      const value = session.value(this._made.result, index);
      if (value instanceof Date) {
        return SfDate.of(value.getTime(), session.moment(this._made.result, index));
      }
      return value;
    }
    getColumnValueAsString(key) {
      this.#ready();
      return session.text(this._made.result, this._index(key));
    }
  }

  const run = (method, text, binds) => {
    const values = Array.from(binds || [], (value, index) => {
      const simple = value === null || ['number', 'string', 'boolean'].includes(typeof value) || value instanceof Date;
      if (simple) return value;
      const what = `Unsupported type for binding argument ${index + 1}${value}`;
      throw new Error(`Invalid binds argument${value}. Error: ${what}`);
    });
    const made = session.run(text, values);
    if (made.failed) {
      const error = new Error(made.message);
      error.code = made.code;
      error.state = made.state;
      error.stackTraceTxt = place(method);
      throw error;
    }
    return made;
  };

  const read = (asked, method) => {
    const options = typeof asked === 'string' ? { sqlText: asked } : asked;
    if (!options || typeof options.sqlText !== 'string') {
      throw new Error(`Invalid argument of ${method}: an object with the text of a statement in sqlText is needed`);
    }
    return options;
  };

  class Statement extends Told {
    #options;
    constructor(options) {
      super();
      this.#options = options;
    }
    execute() {
      this._made = run('Statement.execute', this.#options.sqlText, this.#options.binds);
      return new ResultSet(this._made);
    }
    getSqlText() { return this.#options.sqlText; }
  }

  Object.defineProperty(globalThis, 'SfDate', { value: SfDate });
  const snowflake = {
    createStatement: (options) => new Statement(read(options, 'Snowflake.createStatement')),
    execute: (options) => {
      const { sqlText, binds } = read(options, 'Snowflake.execute');
      return new ResultSet(run('Snowflake.execute', sqlText, binds));
    },
    log: (level, message) => session.log(String(level), String(message)),
    addEvent: () => undefined,
    setSpanAttribute: () => undefined,
  };
  Object.defineProperty(globalThis, 'snowflake', { value: Object.freeze(snowflake) });
})
