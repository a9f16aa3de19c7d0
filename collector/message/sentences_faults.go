package message

import "github.com/tomeishi/tomeishi/collector/record"

// faultSentences are why an event could not be judged or counted.
var faultSentences = []sentence{
	{record.FaultOther, "where: the condition cannot be evaluated on this event", "where: この条件はこのイベントでは評価できません"},
	{record.FaultUnordered, "where: {value} have no order", "where: {value} に大小はありません"},
	{record.FaultNested, "where: objects and lists are not compared", "where: オブジェクトとリストは比べられません"},
	{record.FaultNotNumber, "[{of}: ]{field} is not a decimal number of at most 38 digits, 30 of them after the point", "[{of}: ]{field} は、38桁(小数点以下30桁)までの十進数ではありません"},
	{record.FaultTooLong, "[{of}: ]{field} has more than {value} bytes", "[{of}: ]{field} が{value}バイトを超えています"},
	{record.FaultAbsent, "{of}({field}): the event has no {field}", "{of}({field}): イベントに {field} がありません"},
	{record.FaultNotScalar, "{of}({field}): the field is neither text nor number", "{of}({field}): 文字列でも数値でもありません"},
	{record.FaultMixed, "amounts [of {value} ]and of another {field} in one window cannot be compared or added: add {field} to `by`, or name it in `where`", "1つの期間に[{value} と]ほかの {field} の金額があり、比べることも足すこともできません。`by` に {field} を加えるか、`where` で指定してください"},
	{record.FaultNotBool, "where: the condition is neither true nor false", "where: 条件が真でも偽でもありません"},
	{record.FaultUnfit, "where: {of} does not take {value}", "where: {of} は {value} を受け付けません"},
	{record.FaultOverflow, "where: the result is too large, or has more than 30 digits after the point", "where: 結果が大きすぎるか、小数点以下が30桁を超えます"},
	{record.FaultTooCostly, "where: the condition takes more than {value} steps on this event", "where: このイベントでは条件の計算が{value}ステップを超えます"},
	{record.FaultIncalculable, "when: a result is too large, or has more than 30 digits after the point", "when: 計算の結果が大きすぎるか、小数点以下が30桁を超えます"},
}
