/**
 * [MS-XLS] 2.5.198.17 Ftab: names of functions by number; `NAME/n` = it takes exactly n arguments, which `PtgFunc` does not say.
 * Only what formulas of macro sheets are built from; the rest is called `FUNC_n`.
 */
const FTAB =
  '1 IF,4 SUM,5 AVERAGE,6 MIN,7 MAX,8 ROW,9 COLUMN,10 NA/0,19 PI/0,24 ABS/1,25 INT/1,26 SIGN/1,27 ROUND/2,30 REPT/2,31 MID/3,' +
  '32 LEN/1,33 VALUE/1,34 TRUE/0,35 FALSE/0,36 AND,37 OR,38 NOT/1,39 MOD/2,48 TEXT/2,53 GOTO/1,54 HALT,55 RETURN,63 RAND/0,65 DATE/3,' +
  '67 DAY/1,68 MONTH/1,69 YEAR/1,74 NOW/0,78 OFFSET,79 ABSREF/2,80 RELREF/2,81 ARGUMENT,82 SEARCH,84 ERROR,87 ECHO,88 SET.NAME,' +
  '89 CALLER/0,90 DEREF/1,93 DOCUMENTS,94 ACTIVE.CELL/0,95 SELECTION/0,96 RESULT,100 CHOOSE,101 HLOOKUP,102 VLOOKUP,104 INPUT,106 GET.FORMULA/1,' +
  '107 GET.NAME,108 SET.VALUE/2,110 EXEC,111 CHAR/1,112 LOWER/1,113 UPPER/1,115 LEFT,116 RIGHT,117 EXACT/2,118 TRIM/1,119 REPLACE/4,' +
  '120 SUBSTITUTE,121 CODE/1,122 NAMES,123 DIRECTORY,124 FIND,125 CELL,129 ISBLANK/1,128 ISNUMBER/1,130 T/1,131 N/1,132 FOPEN,133 FCLOSE/1,' +
  '134 FSIZE/1,135 FREADLN/1,136 FREAD/2,137 FWRITELN/2,138 FWRITE/2,139 FPOS,148 INDIRECT,149 REGISTER,150 CALL,175 INITIATE/2,' +
  '176 REQUEST/2,177 POKE/3,178 EXECUTE/2,179 TERMINATE/1,185 GET.CELL,186 GET.WORKSPACE/1,187 GET.WINDOW,188 GET.DOCUMENT,201 UNREGISTER/1,' +
  '221 TODAY/0,225 WHILE/1,226 ELSE/0,227 END.IF/0,229 FOR,230 FOR.CELL,232 NEXT/0,234 WHILE,237 SCENARIO.GET,244 INFO/1,257 EVALUATE/1,267 REGISTER.ID,' +
  '268 GET.WORKBOOK,336 CONCATENATE'

/** 2.5.198.4 Cetab: commands; numbers with the top bit set in `PtgFuncVar`. */
const CETAB =
  '0 BEEP,1 OPEN,3 CLOSE.ALL,4 SAVE,5 SAVE.AS,6 FILE.DELETE,10 QUIT,16 CLOSE,17 RUN,96 FORMULA,97 FORMULA.FILL,98 FORMULA.ARRAY,118 ALERT,' +
  '125 APP.ACTIVATE,131 SEND.KEYS,143 ACTIVATE,383 WORKBOOK.HIDE,384 WORKBOOK.UNHIDE'

export interface XlmFunction {
  readonly name: string
  /** undefined: the token says how many. */
  readonly arguments: number | undefined
}

const KNOWN = new Map<number, XlmFunction>([...parse(FTAB, 0), ...parse(CETAB, 0x8000)])

function* parse(table: string, base: number): Generator<[number, XlmFunction]> {
  for (const row of table.split(',')) {
    const [number = '', rest = ''] = row.split(' ')
    const [name = '', count] = rest.split('/')
    yield [Number(number) + base, { name, arguments: count === undefined ? undefined : Number(count) }]
  }
}

export function xlmFunction(number: number): XlmFunction {
  return (
    KNOWN.get(number) ?? { name: `${number & 0x8000 ? 'COMMAND' : 'FUNC'}_${number & 0x7fff}`, arguments: undefined }
  )
}
