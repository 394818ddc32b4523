"""Garage 61 exports, made up."""

HEADER = (
    "Speed,LapDistPct,Lat,Lon,Brake,Throttle,RPM,SteeringWheelAngle,Gear,Clutch,ABSActive,DRSActive,"
    "LatAccel,LongAccel,VertAccel,Yaw,YawRate,PositionType"
)


NAME = "Garage 61 - A Driver - Mazda MX-5 Cup - Road Atlanta (Full Course) - 00.05.000 - 01KABC.csv"


def row(pct: float, **cells: str) -> list[str]:
    values = {
        "Speed": "63.145733",
        "LapDistPct": f"{pct:.8g}",
        "Lat": "34.15042559313468",
        "Lon": "-83.81419524794947",
        "Brake": "0",
        "Throttle": "0.7342188",
        "RPM": "6989.3467",
        "SteeringWheelAngle": "-0.14926808",
        "Gear": "5",
        "Clutch": "1",
        "ABSActive": "false",
        "DRSActive": "true",
        "LatAccel": "-8.35373",
        "LongAccel": "2.8371124",
        "VertAccel": "11.339798",
        "Yaw": "-1.5189337",
        "YawRate": "-0.15440542",
        "PositionType": "3",
    } | cells
    return [values[name] for name in HEADER.split(",")]


def lap_rows(count: int = 300) -> list[list[str]]:
    return [row((i + 0.5) / count) for i in range(count)]


def text(rows: list[list[str]], header: str = HEADER, newline: str = "\n") -> str:
    return newline.join([header, *(",".join(cells) for cells in rows)]) + newline
