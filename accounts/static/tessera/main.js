// Every page works without scripts, except for copying. This script only makes it quicker.
import { copyButtons } from "./copy.js";
import { dialogs } from "./dialog.js";
import { firstCall } from "./first_call.js";
import { menus } from "./menus.js";
import { picker } from "./picker.js";
import { currentPlace } from "./places.js";
import { reveal } from "./reveal.js";
import { rows } from "./rows.js";
import { localTimes } from "./times.js";
import { tickedRows } from "./ticked.js";

document.documentElement.classList.add("scripts");
localTimes(document);
copyButtons();
menus();
currentPlace();
dialogs();
tickedRows();
picker();
reveal();
firstCall();
rows();
