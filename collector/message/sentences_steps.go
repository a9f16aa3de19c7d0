package message

import "github.com/tomeishi/tomeishi/collector/record"

// stepSentences are what happened in an incident.
var stepSentences = []sentence{
	{record.Legacy, "{text}", "{text}"},

	{record.AlertBegan, "Alert {alert} began: {rule}", "アラート {alert} が発生: {rule}"},
	{record.AlertEnded, "Alert {alert} ended[: {because}]", "アラート {alert} が終了[: {because}]"},
	{record.AlertUnheard, "Alert {alert} no longer fires, but nobody is heard who could say that it is over", "アラート {alert} は発報していませんが、終わったと言える相手から応答がありません"},
	{record.GateClosed, "Gate {gate} closed, hold {hold} by {cause}[: {reason}][: {because}]", "ゲート {gate} が閉(停止理由 {hold}、{cause})[: {reason}][: {because}]"},
	{record.HoldPlaced, "Hold {hold} placed at gate {gate}, only for {match}, by {cause}[: {reason}][: {because}]", "ゲート {gate} で {match} だけを保留(停止理由 {hold}、{cause})[: {reason}][: {because}]"},
	{record.HoldReleased, "Hold {hold} at gate {gate} released, only for {match}[ ({verdict})][: {reason}]", "ゲート {gate} の {match} の保留(停止理由 {hold})を解除[({verdict})][: {reason}]"},
	{record.GateOpened, "Gate {gate} opened[ ({verdict})][: {reason}]", "ゲート {gate} を開いた[({verdict})][: {reason}]"},
	{record.OpenedByTwo, "Gate {gate} opened, as {with} agreed[ ({verdict})][: {reason}]", "ゲート {gate} を開いた({with} も同意)[({verdict})][: {reason}]"},
	{record.OpenedAlone, "Gate {gate} opened alone[ ({verdict})][: {reason}]", "ゲート {gate} を1人で開いた[({verdict})][: {reason}]"},
	{record.OpeningApproved, "Agrees to open gate {gate}[, lifting hold {hold}][ ({verdict})][: {reason}]", "ゲート {gate} を開くことに同意[(停止理由 {hold} の解除)][({verdict})][: {reason}]"},
	{record.OpeningUnnamed, "Agrees to open gate {gate}[, lifting hold {hold}][ ({verdict})], which does not count: it takes two people by name[: {reason}]", "ゲート {gate} を開くことに同意[(停止理由 {hold} の解除)][({verdict})]。名前の分かる2人が必要なため、数に入りません[: {reason}]"},
	{record.RuleShadowed, "Rule {rule} is in shadow at gate {gate} until {until}: it does not close it", "ルール {rule} をゲート {gate} で {until} まで観察のみに変更。この間はゲートを閉じません"},
	{record.VerdictGiven, "Verdict: {verdict}[, {reason}]", "判定: {verdict}[、{reason}]"},
	{record.VerdictHold, "The verdict {verdict} was given before hold {hold}: another is needed", "判定「{verdict}」は停止理由 {hold} の前のもの: もう一度判定が必要"},
	{record.VerdictEffect, "The verdict {verdict} was given before effect {effect}: another is needed", "判定「{verdict}」は措置 {effect} の前のもの: もう一度判定が必要"},
	{record.IncidentEnded, "Incident ended: {verdict}", "インシデント終了: {verdict}"},

	{record.EffectPlanned, "Effect {effect}, {mitigation} ({mode})[: {because}]", "措置 {effect}、{mitigation}({mode})[: {because}]"},
	{record.EffectApproved, "Effect {effect} approved[: {reason}]", "措置 {effect} を承認[: {reason}]"},
	{record.EffectDeclined, "Effect {effect} declined[: {reason}]", "措置 {effect} を却下[: {reason}]"},
	{record.EffectAttempting, "Effect {effect} is being tried, attempt {attempt}[, until {deadline}]", "措置 {effect} を実行中({attempt}回目[、期限 {deadline}])"},
	{record.EffectApplied, "Effect {effect} applied[: {because}]", "措置 {effect} を実行[: {because}]"},
	{record.EffectRefused, "Effect {effect} refused by its target: nothing happened[: {because}]", "措置 {effect} は対象に拒否された: 何も起きていない[: {because}]"},
	{record.EffectUnknown, "It is not known what became of effect {effect}[: {because}]", "措置 {effect} の結果は不明[: {because}]"},
	{record.EffectObserved, "The target of effect {effect} was observed[: {because}]", "措置 {effect} の対象を観察[: {because}]"},
	{record.EffectVerified, "Effect {effect} verified[: {because}]", "措置 {effect} を確認[: {because}]"},
	{record.EffectUndoing, "Effect {effect} is being undone[: {because}]", "措置 {effect} を取り消し中[: {because}]"},
	{record.EffectUndone, "Effect {effect} undone[: {because}]", "措置 {effect} を取り消した[: {because}]"},
}

// causeSentences are why something is over.
var causeSentences = []sentence{
	{record.NoLongerTrue, "no longer true", "条件を満たさなくなりました"},
	{record.Withdrawn, "withdrawn", "遅れて届いたイベントにより取り下げ"},
	{record.Proven, "it is proven, and another alert says so", "確認できたため、別のアラートに引き継ぎました"},
	{record.RuleRemoved, "rule removed", "ルールが削除されました"},
	{record.AgentHeardAgain, "heard again", "再び受信しました"},
	{record.Readable, "its events are readable again", "イベントを再び読めています"},
	{record.SourceSilent, "no such event has come for a day", "そのイベントが1日届いていません"},
	{record.RulesChanged, "the rules have changed", "ルールが変わりました"},
	{record.Regraded, "it stands on with another severity", "重大度を変えて続いています"},
	{record.OpenedBy, "opened by {by}", "{by} が開きました"},
	{record.AgentForgotten, "forgotten by {by}[: {reason}]", "{by} が登録を外しました[: {reason}]"},
	{record.AgentEvicted, "forgotten: more agents were heard than can be known", "登録できる数を超えるエージェントを受信したため、登録が外れました"},
	{record.NeverCame, "what is missing did not come within a day, and is waited for no longer", "欠けている報告が1日たっても届かないため、待つのをやめました"},
	{record.NoBeat, "no agent's beat has come", "エージェントの定期信号が届いていません"},
	{record.SwitchedOnBy, "switched on by {by}", "{by} が再開しました"},
	{record.TimeOver, "its time was over", "期限が来ました"},
	{record.HoldCame, "hold {hold} came", "新しい停止理由 {hold} が加わりました"},
	{record.AlertJoined, "alert {alert} joined hold {hold}", "停止理由 {hold} にアラート {alert} が加わりました"},
	{record.Judged, "{by} said what it was: {verdict}", "{by} が「{verdict}」と判定しました"},
	{record.OpeningChanged, "what opening takes has changed", "開くための条件が変わりました"},
	{record.NothingWaits, "nothing waits any more", "承認待ちのものがなくなりました"},
	{record.GateGone, "the gate is gone", "ゲートがなくなりました"},
	{record.NobodyApproved, "nobody else agreed within an hour", "1時間以内にほかの承認がありませんでした"},
	{record.RestoredFrom, "restored from the backup of {backup}: what happened since is not known", "{backup} のバックアップから復元。その後のことは不明です"},
	{record.TooManyNarrow, "{most} holds of single payments stand already, so the gate is closed for all instead of {match}", "個別の保留がすでに{most}件あるため、{match} だけでなくゲート全体を閉じました"},
	{record.UnknownToFiles, "the backup that was restored does not know this gate", "復元したバックアップに、このゲートはありません"},
}

// resultSentences are how an effect is.
var resultSentences = []sentence{
	{record.ResultClosed, "gate closed", "ゲートを閉じた"},
	{record.ResultWaits, "waits for a person's approval[: {because}]", "人の承認待ち[: {because}]"},
	{record.ResultOff, "automatic effects are off: waits for a person's approval", "自動措置は停止中: 人の承認待ち"},
	{record.ResultShadow, "shadow: would have closed the gate", "観察のみ: 自動停止ならゲートを閉じていた"},
	{record.ResultWouldHold, "shadow: nothing is held[, by itself {match} would be]", "観察のみ: 保留していない[(自動なら {match} を保留)]"},
	{record.ResultHeld, "{match} is held, and nobody else", "{match} だけを保留"},
	{record.ResultHeldSeen, "held; {agents} {agents#agent|agents} confirmed, no other can let it pass", "保留した。エージェント{agents}台が確認、ほかに通せるものはない"},
	{record.ResultUnnamed, "not held: the alert's label[ {label}], which names what to hold, is empty or too long. To approve it closes the gate for all", "未保留: 対象を示すアラートのラベル[ {label} ]が空か長すぎる。承認するとゲート全体を閉じる"},
	{record.ResultUnasked, "not held: within a day workers asked without {fields}, and would be stopped too. Waits for a person's approval", "未保留: この1日に {fields} を示さない問い合わせがあり、それも止まる。人の承認待ち"},
	{record.ResultUnproven, "it is not proven: waits for a person's approval", "確認できていない: 人の承認待ち"},
	{record.ResultSuperseded, "superseded by {effect} in mode {mode}", "{effect}({mode})に置き換え"},
	{record.ResultConfirmed, "gate closed; {agents} {agents#agent|agents} confirmed, no other can let a payment pass", "ゲートを閉じた。エージェント{agents}台が確認、ほかに支払いを通せるものはない"},
	{record.ResultUndone, "undone by {by}[: {reason}]", "{by} が取り消し[: {reason}]"},
	{record.ResultDeclined, "declined by {by}[: {reason}]", "{by} が却下[: {reason}]"},
	{record.ResultObserved, "observed: {seen}", "観察結果: {seen}"},
	{record.ResultNoAnswer, "no answer came before its deadline", "期限までに応答がない"},
	{record.ResultTargetSaid, "the target said: {answer}", "対象の応答: {answer}"},
	{record.ResultInterrupted, "the attempt was interrupted", "実行が中断された"},
}
