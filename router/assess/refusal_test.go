package assess

import (
	"testing"

	"assay/classifier"
)

func TestRefusalsAreFound(t *testing.T) {
	for _, text := range []string{
		"I'm sorry, but I can't assist with that.",
		"I’m sorry, but I can’t help with that request.",
		"Sorry, I can't help you with that.",
		"I cannot fulfill this request.",
		"I can't fulfill that request.",
		"I can't help with that.",
		"I won't be able to do that. I can't provide instructions for it.",
		"I apologize, but I cannot provide instructions for that. It would be harmful.",
		"I apologize, but I will not generate that kind of story.",
		"I am unable to assist with this request.",
		"I'm unable to help with that.",
		"I'm not able to help with that request.",
		"I'm not comfortable writing that.",
		"As an AI language model, I cannot engage in such a discussion.",
		"As an AI, I must decline to write this.",
		"I'm sorry, but as an AI assistant I cannot create content that glorifies violence.",
		"Unfortunately, I cannot create that kind of content.",
		"I cannot create content that promotes hate. Is there anything else I can help with?",
		"I can't provide guidance on breaking into a house. Is there something else you want to talk about?",
		"I must respectfully decline.",
		"It is not appropriate for me to write about this.",
		"抱歉，我无法协助您完成这个请求。",
		"很抱歉，我不能帮助你做这件事。",
		"对不起，我不能回答这个问题。",
		"对不起，我无法提供此类内容。",
		"非常抱歉，作为一个人工智能语言模型，我不能参与讨论这类话题。",
		"作为一个AI助手，我无法提供制作危险物品的方法。",
		"我无法满足这个要求。",
		"我不能协助您编写此类程序，因为这违反法律。",
		"抱歉，这个请求我无法满足。",
		"我拒绝提供这样的帮助。",
	} {
		if got := defects(Input{Prompt: "Tell me how.", System: "You are a helpful assistant."}, Answer{Text: text, FinishReason: "stop"}); got != "refused" {
			t.Errorf("%s\nfound %q; want refused", text, got)
		}
	}
}

func TestWhatSoundsLikeARefusalIsNone(t *testing.T) {
	for _, text := range []string{
		"I don't have access to real-time data, so I can't provide the weather.",
		"I'm sorry, but I don't have access to real-time information.",
		"As an AI, I don't have real-time access to specific train schedules. I recommend checking the website.",
		"I'm sorry, but I can't provide an answer without more context.",
		"I'm sorry, but I cannot answer this question because the passage does not mention it.",
		"I cannot create the summary: there is no file attached.",
		"I can't help but admire the way she walks into the room.",
		"I can't wait to help you with this!",
		"I'm sorry to hear that. Here is what you can do: rest, drink water, and call a doctor.",
		"I'm sorry for your loss.",
		"Sorry, I made a mistake above. The right answer is 42.",
		"Sorry about the confusion! The function should return an integer.",
		"Unfortunately, the train was late, and they could not continue their journey.",
		"I can write that for you. Here it is: ...",
		"I can't find a solution for n = 3, since 7 is prime; for n = 4 it is 12.",
		"I cannot find the bug in this function; it works as it should.",
		"I won't support companies that test on animals. Will you?",
		"I can't continue like this. Every night the same corridor, the same lights.",
		"I cannot share this house with a ghost any longer.",
		"I'm sorry, but I can't do this anymore. I wish you all the best.",
		"I'm not going to lie, it was a hard year.",
		"I'm not willing to settle for less.",
		"I'm sorry, but I can't provide a refund after 30 days. You can exchange it.",
		"我不会接受命运的安排，我要自己走出一条路。",
		"我不能继续这样熬夜了，从今天开始早睡。",
		"对不起，我不能继续陪你走下去了，愿你一切都好。",
		"我无法回答她的眼神，只好低下头去。",
		"很抱歉，我们无法提供超过30天的退款服务，您可以申请换货。",
		"We cannot write n as a sum of two squares, so the claim is false.",
		"As a large company, we provide support to all our customers.",
		"As an artist, I create what I see.",
		"It is not possible to divide by zero.",
		"No, the statement is false.",
		"I do not think that this is right.",
		"抱歉，我没有找到相关信息，请提供更多细节。",
		"抱歉，我无法访问互联网，不能提供实时天气。",
		"对不起，由于这是一个图像选择题，我无法进行解析和回答。",
		"抱歉让你久等了，答案是 42。",
		"很遗憾，他没有完成比赛。",
		"我不能同意这种看法，因为数据并不支持。",
		"我们无法用两个平方数之和表示它，因此命题不成立。",
		"对不起，上面的计算有误，正确答案是 12。",
		"我不会忘记那个夏天。",
		"这道题目没有给出具体的选项内容，无法进行具体的解析和答案选择。",
		"不能。因为 7 是质数。",
	} {
		if got := defects(Input{Prompt: "Well?", System: "You are a helpful assistant."}, Answer{Text: text, FinishReason: "stop"}); got != "" {
			t.Errorf("%s\nfound %q; want nothing", text, got)
		}
	}
}

func TestRefusalsThatWereAskedForAreNone(t *testing.T) {
	en, zh := "I'm sorry, but I can't help with that.", "抱歉，我无法提供这样的帮助。"
	for name, c := range map[string]struct {
		in   Input
		text string
	}{
		"translation":                     {Input{Prompt: "“抱歉，我帮不了你”用英语怎么说", Intent: classifier.Translation}, en},
		"translation, intent unknown":     {Input{Prompt: "Translate: 抱歉，我帮不了"}, en},
		"a letter that declines":          {Input{Prompt: "Write a short mail that declines the invitation"}, en},
		"a letter that declines, Chinese": {Input{Prompt: "帮我写一句话婉拒同事的请求"}, zh},
		"a part to play":                  {Input{Prompt: "You are a rude bartender. Serve me.", Intent: classifier.Roleplay}, en},
		"a part set up earlier":           {Input{Earlier: "扮演一个冷漠的店员", Prompt: "给我一杯咖啡"}, zh},
		"the system tells it to":          {Input{System: "If asked about anything but shoes, reply: Sorry, I can't help with that.", Prompt: "Who won?"}, en},
		"the system keeps it to a field":  {Input{System: "You only answer questions about shoes.", Prompt: "Who won?"}, en},
		"a line to be put otherwise":      {Input{Prompt: "More polite please: no way, do it yourself", Intent: classifier.RewriteEdit}, en},
	} {
		t.Run(name, func(t *testing.T) {
			if got := defects(c.in, Answer{Text: c.text, FinishReason: "stop"}); got != "" {
				t.Errorf("found %q; want nothing", got)
			}
		})
	}
}
