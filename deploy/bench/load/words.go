package load

// The two languages that prompts are composed in: tasks of all kinds that the
// classifier tells apart (code, mathematics, reasoning, writing, translation,
// extraction, small talk), about subjects of all kinds.

var english = language{
	serial: "Ticket %s.",
	space:  " ",
	systems: []string{
		"You are a helpful assistant.",
		"You are a senior engineer who answers briefly and shows code where it helps.",
		"You are the support desk of a company. Be polite, cite the manual, never promise refunds.",
		"Answer as a patient teacher. Check each step before you go on.",
		"You write for a general audience; avoid jargon, and say when you are not sure.",
	},
	subjects: []string{
		"a bounded queue shared by several threads", "the quadratic residues modulo an odd prime", "a two-bedroom flat with a leaking roof",
		"the French Revolution", "a Python script that parses server logs", "interest on a student loan", "the migration of arctic terns",
		"a SQL query over orders and customers", "a wedding for eighty guests", "the second law of thermodynamics", "an invoice in euros",
		"a binary search tree with duplicates", "a contract of employment", "the orbit of a satellite", "a recipe for sourdough bread",
		"a rate limiter with a sliding window", "the plot of Hamlet", "a clinical trial with two arms", "a chess endgame with opposite bishops",
		"the tax on dividends", "a React component that renders a table", "the sum of the first n cubes", "a marathon training plan",
		"a bridge with a cracked girder", "a greenhouse with failing sensors", "the grammar of Latin participles", "a Kubernetes cluster with two zones",
		"a biased coin tossed ten times", "a job application letter", "the water cycle", "a telescope with a spherical mirror", "an old bicycle gearbox",
	},
	frames: []string{
		"Write a function that handles %s and returns an error when the input is longer than # items.",
		"Explain %s to somebody who has never heard of it.",
		"Prove or disprove: for %s the bound # can never be reached.",
		"Translate this note about %s into German and Spanish.",
		"Summarise what follows about %s in # words.",
		"Which of these is right about %s: (A) it doubles every # days, (B) it halves, (C) neither?",
		"Draft a friendly email about %s to # colleagues.",
		"What would you check first if %s stopped working after # hours?",
		"Compute the cost of %s when each of # units costs 3.75 and a tenth is lost.",
		"Extract every date and every amount from this report on %s as JSON.",
		"Refactor the code for %s so that it needs no global state, and give a test with # cases.",
		"Write a short poem about %s.",
		"hi, quick question about %s",
		"Compare two ways to think about %s and recommend one.",
		"Find the error in this argument about %s and correct it step by step.",
		"Plan # days of work on %s with a table of milestones.",
	},
	facts: []string{
		"In the last # weeks %s has come up in every meeting.",
		"Somebody measured %s and found # units, where only a third had been expected.",
		"The manual says little about %s except that it must not be opened under load.",
		"Costs rose by # dollars, mostly because of %s.",
		"If x is the number of steps and y the rest, then 3x + # = 7y holds for %s.",
		"An earlier attempt at %s failed on the # th try with a timeout.",
		"My colleague insists that %s is simpler than it looks.",
		"We keep a list of # exceptions, and %s is on top of it.",
		"Nobody remembers who decided how %s should work.",
		"The log shows `ERROR code=#` shortly before %s was noticed.",
		"Customers in # countries ask about %s, usually on Mondays.",
		"According to the newspaper, %s will matter more in # years.",
		"There are two schools: one wants to keep %s as it is, the other wants it gone.",
		"for i in range(#): process(item[i])  # about %s",
		"The weather was fine, the trains were late, and %s was on everybody's mind.",
		"A survey of # people gave mixed results on %s.",
	},
	limits: []string{
		"Answer in three sentences.", "Give the final number alone on the last line.", "Use no library.", "Keep the tone formal.",
		"List the assumptions first.", "Reply in JSON with the keys result and reason.", "Say what you are unsure of.", "Do not repeat the question.",
	},
}

var chinese = language{
	serial: "工单 %s：",
	space:  "",
	systems: []string{
		"你是一个乐于助人的助手。", "你是资深工程师，回答简短，需要时给出代码。", "你是公司客服，语气礼貌，引用手册，不承诺退款。", "请像耐心的老师一样回答，每一步都先检查。",
	},
	subjects: []string{
		"多线程共享的有界队列", "模奇素数的二次剩余", "漏水的两居室", "辛亥革命", "解析日志的脚本", "助学贷款的利息", "候鸟的迁徙", "订单与客户的联表查询",
		"八十人的婚礼", "热力学第二定律", "一张欧元发票", "允许重复元素的二叉搜索树", "劳动合同", "人造卫星的轨道", "酸面包的做法", "滑动窗口限流器",
		"《红楼梦》的情节", "双臂临床试验", "象棋残局", "股息的税", "渲染表格的前端组件", "前 n 个立方数之和", "马拉松训练计划", "有裂缝的桥梁", "传感器失灵的温室", "文言文的虚词",
	},
	frames: []string{
		"请写一个函数处理%s，输入超过 # 项时返回错误。", "向从未听说过的人解释%s。", "证明或否定：对于%s，上界 # 永远达不到。", "把下面关于%s的说明翻译成英文。",
		"用 # 个字概括以下关于%s的内容。", "关于%s，哪一项正确：(A) 每 # 天翻倍 (B) 减半 (C) 都不对？", "给 # 位同事写一封关于%s的邮件。",
		"如果%s在 # 小时后出现故障，你会先检查什么？", "每件 3.75 元，共 # 件，损耗一成，求%s的成本。", "从这份关于%s的报告中提取所有日期和金额，输出 JSON。",
		"写一首关于%s的短诗。", "你好，想问一下%s", "比较看待%s的两种方法并推荐一种。", "找出下面关于%s的论证中的错误并逐步改正。",
	},
	facts: []string{
		"最近 # 周，每次会议都提到%s。", "有人测量了%s，得到 # 个单位，而预期只有三分之一。", "手册对%s几乎没有说明，只说带负载时不能打开。", "成本上涨了 # 元，主要是因为%s。",
		"设步数为 x，余数为 y，则对%s有 3x + # = 7y。", "之前在%s上的第 # 次尝试因超时而失败。", "同事坚持认为%s比看上去简单。", "我们有 # 条例外，%s排在第一。",
		"没有人记得%s当初是谁定的。", "日志显示在%s之前出现了 ERROR code=#。", "# 个城市的客户都在询问%s。", "据报道，%s在 # 年后会更重要。",
	},
	limits: []string{"用三句话回答。", "最后一行只写数字。", "不要使用第三方库。", "语气要正式。", "先列出假设。", "用 JSON 回答，键为 result 和 reason。"},
}
