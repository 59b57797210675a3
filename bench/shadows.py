"""Shadow candidates: how many planted pairs are found, how many of the candidates are planted, and what it costs.

A seeded generator writes systems of which each does something of its own, and plants pairs that do the same in other
words: another department's copy, a title in other words, a function with words changed or left out. One run:

    recall       planted pairs that are among the candidates
    precision    candidates that were planted
    likely       the same two of the candidates that a check tells one by one
    per system   time at 10,000 beside the time at 1,000, each divided by its number of systems: 1.0 is linear

The first row has words of which no two share a character. In the others every word is combined with every other one, so
that towns' and villages' registers (城镇户籍, 乡镇户籍) stand side by side: candidates that nobody planted, and that a
person would have to look at all the same.
"""

import json
import random
import sys
import time
from collections.abc import Sequence
from itertools import product

from inventory.dispositions.shadows import LIKELY, shadow_candidates
from inventory.model import System

SIZES = (1_000, 3_000, 10_000)
PLANTED = 0.05
"""The share of systems that have a shadow."""

_WHOSE = """
农村 城镇 青年 老年 残疾人 退役军人 企业 个体户 学生 教师 医生 护士 驾驶员 渔民 牧民 山区 沿海 库区
林区 园区 社区 街道 乡镇 村级 县级 口岸 港口 机场 铁路 公路 桥梁 隧道 河道 湖泊 湿地 森林 草原
矿山 油库 电站 水库 泵站 管网 学校 医院 药店 餐饮 旅馆 网吧 影院 剧场 体育馆 图书馆 博物馆 档案
古树 文物 古迹 墓园 公墓 菜市场 屠宰场 养殖场 种子 农药 化肥 饲料 兽药 粮食 棉花 烟草 食盐 燃气
煤炭 石油 电力 热力 自来水 污水 垃圾 危险品 放射源 特种设备 电梯 锅炉 塔吊 车辆 船舶 出租车 公交
物流 快递 邮政 电信
"""
_WHAT = """
费用征收 许可审批 证照发放 巡查执法 投诉举报 统计直报 补贴发放 档案检索 预约挂号 资格考试 招标采购
合同备案 资产盘点 人员培训 绩效考核 视频监控 应急调度 地理测绘 气象预警 水质监测 噪声监测 空气监测
土壤普查 病虫防治 疫苗接种 血液采集 婚姻登记 户籍迁移 社保缴纳 公积金提取 住房分配 土地拍卖 税源分析
发票核验 信用评价 价格采集 成本监审 项目申报 专利受理 成果转化 人才引进 就业推荐 劳动仲裁 法律援助
公证预约 信访受理 舆情收集 新闻发布 稿件编审 广告审查 演出报批 场馆预订 赛事报名 旅游导览 民宿评级
航班查询 车票核验 泊位引导 路灯控制 井盖定位 管线普查 工程监理 造价核算 竣工验收 消防检查 隐患排查
事故上报 演练评估 物资储备 救助申请 慈善募捐 志愿招募 养老评估 幼儿入学 学籍变更 课程选修 论文查重
教材征订 图纸会审 样品检验 计量检定 标准查询 商标监管 直销备案 合格评定 进口报关 出口退税 外资登记
侨务联络 民族事务 宗教场所 族谱编修 地名命名 界桩巡护 海域使用 渔港调度 船员发证 航道养护 灌溉配水
防汛会商 抗旱打井 水土保持 移民安置 扶贫建档
"""
WHOSE, WHAT = tuple(_WHOSE.split()), tuple(_WHAT.split())
SAID = (
    "为{whose}办理{what}，提供网上填报、查询和统计",
    "负责{whose}{what}的登记、审核与汇总",
    "用于{whose}的{what}，支持领导决策",
    "实现{whose}{what}全过程管理",
)
TITLED = ("{whose}{what}管理系统", "{whose}{what}信息系统", "{whose}{what}业务平台", "{whose}{what}系统")
OWNERS = ("水务局", "民政局", "住建局", "教育局", "卫健委", "交通局", "农业局", "林业局", "文旅局", "市监局")
DEPARTMENTS = {f"d{number}": title for number, title in enumerate(OWNERS)}


def apart(words: Sequence[str]) -> tuple[str, ...]:
    """Return words of which no two share a character, the first ones first."""
    seen: set[str] = set()
    kept = []
    for word in words:
        if not seen & set(word):
            kept.append(word)
            seen |= set(word)
    return tuple(kept)


def programme(
    size: int, seed: int, whose_words: Sequence[str] = WHOSE, what_words: Sequence[str] = WHAT
) -> tuple[list[System], set[tuple[str, str]]]:
    """Return systems, and the pairs of names that were planted among them."""
    chance = random.Random(seed)
    subjects = [*product(whose_words, what_words)]
    chance.shuffle(subjects)
    systems: list[System] = []
    planted: set[tuple[str, str]] = set()
    for whose, what in subjects:
        if len(systems) >= size:
            break
        owner, form = chance.choice(OWNERS), chance.randrange(len(SAID))
        title = owner + chance.choice(TITLED).format(whose=whose, what=what)
        first = _system(len(systems), owner, title, SAID[form].format(whose=whose, what=what))
        systems.append(first)
        if chance.random() < PLANTED:
            second = _shadow(first, len(systems), whose, what, chance)
            systems.append(second)
            planted.add(
                (first.system, second.system) if first.system < second.system else (second.system, first.system)
            )
    return systems, planted


def _system(number: int, owner: str, title: str, function: str) -> System:
    return System.model_validate(
        {
            "system": f"s{number}",
            "title": title,
            "department": f"d{OWNERS.index(owner)}",
            "survey": {"function": function},
        }
    )


def _shadow(first: System, number: int, whose: str, what: str, chance: random.Random) -> System:
    """Return a system that does what another one does, told in other words."""
    owner = chance.choice(OWNERS)
    assert first.survey is not None
    kinds = (
        (
            owner + chance.choice(TITLED).format(whose=whose, what=what),
            chance.choice(SAID).format(whose=whose, what=what),
        ),
        (f"{owner}{what}（{whose}）系统", first.survey.function),
        (owner + first.title[3:], f"{what}：{whose}，{chance.choice(('试点', '二期', '升级版'))}"),
        (f"{owner}{what}系统", f"{whose}{what}的受理与公示"),
        (f"{whose}在线{what}", first.survey.function.replace("、", "及").replace("，", "；")),
    )
    return _system(number, owner, *chance.choice(kinds))


def measured(systems: list[System], planted: set[tuple[str, str]]) -> dict[str, float]:
    """Return the figures of one programme."""
    begun = time.process_time()
    candidates = shadow_candidates(systems, DEPARTMENTS)
    seconds = time.process_time() - begun
    found = {candidate.systems for candidate in candidates}
    likely = {candidate.systems for candidate in candidates if candidate.score >= LIKELY}
    return {
        "systems": len(systems),
        "planted": len(planted),
        "candidates": len(found),
        "recall": round(len(found & planted) / len(planted), 3),
        "precision": round(len(found & planted) / max(1, len(found)), 3),
        "likely": len(likely),
        "likely_recall": round(len(likely & planted) / len(planted), 3),
        "likely_precision": round(len(likely & planted) / max(1, len(likely)), 3),
        "seconds": round(seconds, 2),
    }


def main() -> int:
    """Print one line for each size and the ratio; the status says whether all systems together took under 20 s."""
    distinct = measured(*programme(SIZES[0], 4, apart(WHOSE), apart(WHAT)))
    rows = [measured(*programme(size, 4)) for size in SIZES]
    each = [row["seconds"] / row["systems"] for row in rows]
    print(
        json.dumps(
            {"apart": distinct, "sizes": rows, "per_system_ratio": round(each[-1] / each[0], 2)},
            ensure_ascii=False,
            indent=2,
        )
    )
    return 0 if rows[-1]["seconds"] < 20 else 1


if __name__ == "__main__":
    sys.exit(main())
