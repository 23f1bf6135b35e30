"""What to do about each fault `jikimi device doctor` can find: English, Korean."""

from __future__ import annotations

REMEDIES = {
    "not-provisioned": (
        "Provision it: jikimi device provision.",
        "jikimi device provision 으로 설치하세요.",
    ),
    "old-firmware": (
        "Roll the current release out to it, or provision it again over USB: nothing but the application changes.",
        "최신 릴리스를 배포하거나 USB로 다시 설치하세요. 프로그램만 바뀝니다.",
    ),
    "full-flash": (
        "Let it connect until its journal is sent; files that are not ours can be deleted with mpremote.",
        "연결하여 기록이 전송되게 하세요. 다른 파일은 mpremote로 지울 수 있습니다.",
    ),
    "other-site": (
        "Give it back to that site, or take it over: jikimi device wipe, then provision it here.",
        "그 사업장에 돌려주거나, jikimi device wipe 후 여기에서 다시 설치하세요.",
    ),
    "unknown-board": (
        "Provision it here: jikimi device provision.",
        "이 사업장에서 jikimi device provision 을 실행하세요.",
    ),
    "not-active": (
        "If it may be used: jikimi device wipe (after a revocation), then jikimi device provision.",
        "사용해도 된다면 (취소된 경우 jikimi device wipe 후) jikimi device provision 을 실행하세요.",
    ),
    "bad-configuration": (
        "Provision it again over USB: its settings are written anew, its key stays.",
        "USB로 다시 설치하세요. 설정만 새로 쓰고 키는 그대로 둡니다.",
    ),
    "wrong-broker": (
        "The site's address has changed, or the device's is an old one: jikimi config apply, or provision it again.",
        "사업장 주소가 바뀌었습니다. jikimi config apply 를 실행하거나 다시 설치하세요.",
    ),
    "old-configuration": (
        "Let it connect, or provision it again over USB; jikimi config drift shows all of them.",
        "연결하게 두거나 USB로 다시 설치하세요. jikimi config drift 로 모두 볼 수 있습니다.",
    ),
    "refused-configuration": (
        "Mend fleet.toml as the reason says, then jikimi config apply again.",
        "사유대로 fleet.toml 을 고치고 jikimi config apply 를 다시 실행하세요.",
    ),
    "wrong-clock": (
        "Let it connect: the site sets its clock. If it is wrong again after a reset, the board's crystal is bad.",
        "연결하면 시계가 맞춰집니다. 다시 틀리면 보드의 발진기가 불량입니다.",
    ),
    "wrong-ca": (
        "It was made for another site, or the site was made anew: wipe it and provision it again.",
        "다른 사업장용이거나 사업장을 새로 만들었습니다. 지우고 다시 설치하세요.",
    ),
    "no-key": (
        "Provision it again over USB: it makes a new key under its old id.",
        "USB로 다시 설치하세요. 같은 ID로 새 키를 만듭니다.",
    ),
    "expired-certificate": (
        "Provision it again over USB: it gets a new certificate.",
        "USB로 다시 설치하면 새 인증서를 받습니다.",
    ),
    "certificate-ends-soon": (
        "Before that day: jikimi device rotate.",
        "그 전에 jikimi device rotate 를 실행하세요.",
    ),
    "no-wifi": (
        "Check the network's name in fleet.toml, and whether the access point (2.4 GHz) reaches this place.",
        "fleet.toml 의 네트워크 이름과 2.4 GHz 공유기가 닿는지 확인하세요.",
    ),
    "wifi-password": (
        "Correct the password in secrets.toml, then provision the device again: it cannot hear of it by radio.",
        "secrets.toml 의 비밀번호를 고치고 다시 설치하세요.",
    ),
    "site-down": (
        "Start the site: jikimi up.",
        "jikimi up 으로 사업장을 시작하세요.",
    ),
    "no-broker": (
        "The site runs, but the device does not get through: check the network between them and its firewall.",
        "사업장은 켜져 있으나 닿지 않습니다. 네트워크와 방화벽을 확인하세요.",
    ),
    "deaf-radio": (
        "Its Bluetooth hears nothing: check the antenna; if it stays so, take the board out of use.",
        "블루투스가 아무것도 듣지 못합니다. 안테나를 확인하고, 계속되면 사용을 중지하세요.",
    ),
    "dead-sensor": (
        "Check the solder joints of that part; a device with a dead sensor must not be worn.",
        "해당 부품의 납땜을 확인하세요. 센서가 고장 난 기기는 착용하면 안 됩니다.",
    ),
    "empty-battery": (
        "Charge it; if it stays so, replace the cell.",
        "충전하세요. 계속되면 배터리를 교체하세요.",
    ),
    "never-heard": (
        "Switch it on near the access point; if it stays silent, connect it by USB and run the doctor on its port.",
        "공유기 가까이에서 켜 보세요. 조용하면 USB로 연결해 진단하세요.",
    ),
    "silent": (
        "Find it by its label and charge it; connect it by USB and run the doctor on its port.",
        "라벨로 찾아 충전하고, USB로 연결해 진단하세요.",
    ),
    "watchdog": (
        "It was restarted because it hung: if it happens again, note its firmware and report it.",
        "멈춰서 재시작되었습니다. 반복되면 펌웨어 버전과 함께 알려 주세요.",
    ),
}
